## What an image's own cloud-init configuration would do. User data replaces its lists as a whole (cloud-init: merging is top level only between
## user data and the rest; merge_how joins parts of user data), so bootcmd, write_files and runcmd of the image and of vendor data would be lost.
##
## In bootcmd, so before any file of ours is there: runs the image's bootcmd and writes its files, by cloud-init itself and by its order of
## precedence. Whatever is wrong with them ends there; ours come after and win. Its runcmd is kept for later (image-commands.sh).
import json, os, subprocess
from cloudinit import util
base = '/var/lib/cloud/instance/'
found = [util.read_conf(base + name) for name in ('vendor2-cloud-config.txt', 'vendor-cloud-config.txt') if os.path.exists(base + name)]
found.append(util.read_conf_with_confd('/etc/cloud/cloud.cfg'))
lists = {key: next((c[key] for c in found if c.get(key)), None) for key in ('bootcmd', 'write_files', 'runcmd')}
if lists['runcmd']:
    util.write_file('/run/gl-scaler.image.runcmd', util.shellify(lists['runcmd']), 0o700)
util.write_file('/run/gl-scaler.image.cfg', json.dumps(lists), 0o600)
for key in ('bootcmd', 'write_files'):
    if lists[key]:
        subprocess.call(['cloud-init', '--file', '/run/gl-scaler.image.cfg', 'single', '--frequency', 'always', '--name', key])
