## One line of JSON each minute: into a file, and into the bucket where one is configured. lib/app/status/cache-manager.ts reads it. The keys are
## those of the VM's agency, which the metadata service hands out (OTC ECS user manual, "Obtaining ECS Details Using Metadata"), only to root.
"""Publishes the state of the caches: /var/lib/gl-cache/health.json, and the bucket's manager/v1/NAME.json where that is configured."""
import base64
import email.utils
import hashlib
import hmac
import ipaddress
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import gl_common as common

HEALTH = common.STATE + '/health.json'
REFUSED = common.STATE + '/upload-refused'
NFSD = '/proc/fs/nfsd'
PHASE = '/run/gl-cache/phase'
KEYS_PATH = '/openstack/latest/securitykey'
# No proxy: the metadata service is local, and keys must not pass through a third party.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ''


def phase():
    """The last line of the setup script, such as 'phase=failed reason=volume-missing'."""
    words = dict(word.split('=', 1) for word in read(PHASE).split() if '=' in word)
    said = {'phase': words.get('phase', 'none')}
    return {**said, 'reason': words['reason']} if 'reason' in words else said


def nfs():
    threads = int(read(NFSD + '/threads') or 0)
    try:
        clients = len(os.listdir(NFSD + '/clients'))
    except OSError:
        # Kernels before 5.3 do not have it.
        clients = None
    return {'active': threads > 0, 'threads': threads, 'clients': clients}


def repositories(folder, depth=4):
    """Names of the bare repositories below a folder, unfinished clones left out."""
    names = []
    for entry in sorted(os.listdir(folder)) if depth and os.path.isdir(folder) else []:
        path = os.path.join(folder, entry)
        if entry.startswith('.') or not os.path.isdir(path):
            continue
        if os.path.isfile(os.path.join(path, 'HEAD')):
            names.append(entry)
        else:
            names += [entry + '/' + name for name in repositories(path, depth - 1)]
    return names


def mirrors(config, now):
    failed, late, ages = [], [], []
    for mirror in config['mirrors']:
        state = common.read_json(common.state_of(mirror['name'])) or {}
        if state.get('ok') is False:
            failed.append({'name': mirror['name'], 'error': state.get('error') or ''})
        last = state.get('last_success')
        if last is not None:
            ages.append(max(0, now - last))
        # Three times the interval, and an hour for a long fetch.
        if last is None or now - last > 3 * mirror['every'] + 3600:
            late.append(mirror['name'])
    wanted = {mirror['name'] for mirror in config['mirrors']}
    unlisted = [name for name in repositories(os.path.join(config['path'], 'git')) if name not in wanted]
    return {
        'count': len(config['mirrors']),
        'failed': failed[:20],
        'late': late[:20],
        'oldest_seconds': max(ages) if ages else None,
        'unlisted': unlisted[:20],
    }


def answers(port):
    try:
        socket.create_connection(('127.0.0.1', port), 2).close()
        return True
    except OSError:
        return False


def health(config, now):
    mounted = os.path.ismount(config['path'])
    disk = common.volume(config['path']) if mounted else None
    pruned = common.read_json(common.PRUNE) or {}
    return {
        'v': 1,
        'name': config['name'],
        'at': common.iso(now),
        'uptime': int(float(read('/proc/uptime').split()[0])),
        **phase(),
        'disk': {**disk, 'fill': round(common.fill(disk), 1)} if disk else None,
        'start_at': config['prune']['start_at'],
        'nfs': nfs(),
        'mirrors': mirrors(config, now),
        'prune': {key: pruned.get(key) for key in ('at', 'mode', 'refused', 'trees')} if 'at' in pruned else None,
        'trash': pruned.get('trash'),
        'hashserv': all(answers(port) for port in config['hashserv_ports']) if config['hashserv_ports'] else None,
    }


def keys(config):
    with DIRECT.open(config['metadata'] + KEYS_PATH, timeout=5) as answer:
        return json.load(answer)['credential']


def object_url(target, key):
    """The bucket belongs in the host name (OBS: VirtualHostDomainRequired), except where the endpoint is an address."""
    url = urllib.parse.urlsplit(target['endpoint'])
    try:
        ipaddress.ip_address(url.hostname)
        return '%s://%s/%s/%s' % (url.scheme, url.netloc, target['bucket'], key)
    except ValueError:
        return '%s://%s.%s/%s' % (url.scheme, target['bucket'], url.netloc, key)


def signed(target, key, body, credential, now):
    """Headers of the PUT (OTC OBS API reference, "Authentication of Signature in a Header")."""
    prefix, label = ('x-amz-', 'AWS') if target['dialect'] == 's3-v2' else ('x-obs-', 'OBS')
    headers = {
        'Content-MD5': base64.b64encode(hashlib.md5(body).digest()).decode(),
        'Content-Type': 'application/json',
        'Date': email.utils.formatdate(now, usegmt=True),
        prefix + 'security-token': credential['securitytoken'],
    }
    text = '\n'.join(['PUT', headers['Content-MD5'], headers['Content-Type'], headers['Date'],
                      prefix + 'security-token:' + credential['securitytoken'], '/%s/%s' % (target['bucket'], key)])
    digest = hmac.new(credential['secret'].encode(), text.encode(), hashlib.sha1).digest()
    return {**headers, 'Authorization': '%s %s:%s' % (label, credential['access'], base64.b64encode(digest).decode())}


def upload(config, body, now):
    """'' or the reason for the failure, without secrets. Pauses for 15 minutes after a refusal: OBS locks keys that are refused repeatedly."""
    if os.path.exists(REFUSED) and now - os.stat(REFUSED).st_mtime < 900:
        return 'refused before; tried again later'
    target, key = config['health'], 'manager/v1/%s.json' % config['name']
    try:
        credential = keys(config)
    except (OSError, ValueError, KeyError, TypeError):
        return 'no keys: has the VM an agency?'
    try:
        headers = signed(target, key, body, credential, now)
        request = urllib.request.Request(object_url(target, key), body, headers, method='PUT')
        with DIRECT.open(request, timeout=15):
            pass
    except urllib.error.HTTPError as error:
        if error.code in (400, 401, 403):
            open(REFUSED, 'w').close()
        return 'the bucket answered %d' % error.code
    except (OSError, KeyError, TypeError):
        return 'the bucket cannot be reached'
    return ''


def main(now):
    config = common.config()
    state = health(config, now)
    common.write_json(HEALTH, state)
    if not config['health']:
        return 0
    why = upload(config, json.dumps(state, sort_keys=True).encode() + b'\n', now)
    if why:
        print('not published: ' + why)
    return 1 if why else 0


if __name__ == '__main__':
    sys.exit(main(int(time.time())))
