## Imported by the others.
"""Shared by the programs of the cache manager."""
import json
import os
import time

CONFIG = '/etc/gl-cache/manager.json'
STATE = '/var/lib/gl-cache'
MIRRORS = STATE + '/mirrors'
PRUNE = STATE + '/prune/prune.json'


def config():
    with open(CONFIG) as file:
        return json.load(file)


def read_json(path):
    """None for a file that does not exist or is not valid."""
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def write_json(path, value):
    """Readers see the old text or the new one, never a part."""
    with open(path + '.new', 'w') as file:
        json.dump(value, file, sort_keys=True, separators=(',', ':'))
        file.write('\n')
    os.chmod(path + '.new', 0o644)
    os.replace(path + '.new', path)


def iso(seconds):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))


def state_of(name):
    """A name may hold slashes, but no percent sign."""
    return os.path.join(MIRRORS, name.replace('/', '%') + '.json')


def volume(path):
    """The file system as df counts it, without blocks reserved for root."""
    stat = os.statvfs(path)
    used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
    return {
        'bytes': used + stat.f_bavail * stat.f_frsize,
        'used': used,
        'inodes': stat.f_files,
        'inodes_used': stat.f_files - stat.f_ffree,
    }


def fill(disk):
    """In percent: of bytes or of inodes, whichever is higher."""
    share = disk['used'] / disk['bytes'] if disk['bytes'] else 0
    if disk['inodes']:
        share = max(share, disk['inodes_used'] / disk['inodes'])
    return 100 * share
