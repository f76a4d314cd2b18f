## One set of mirrors. Nothing here ever removes an object: clones that borrow from a mirror (`--reference`) would break. Hence gc never runs,
## and maintenance repacks all objects, reachable or not.
"""Fetches the git mirrors of one interval: mirror.py SECONDS. The exit status is the number of those that failed, at most 100."""
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import gl_common as common

AT_ONCE = 3
CLONE_SECONDS = 6 * 3600
FETCH_SECONDS = 3600
MAINTENANCE_SECONDS = 2 * 3600
DAY = 86400
HOME = '/var/lib/gl-mirror'

SETTINGS = {
    'gc.auto': '0',
    'gc.pruneExpire': 'never',
    'maintenance.auto': 'false',
    # Every fetch becomes a pack, not thousands of small files, each of which costs a client a request.
    'fetch.unpackLimit': '1',
    'core.multiPackIndex': 'true',
    # Loose objects, too, as plain HTTP brings them, survive a power failure. Git before 2.36 does not know it.
    'core.fsync': 'all',
}

ENVIRONMENT = {
    'PATH': os.environ.get('PATH', '/usr/bin:/bin'),
    'HOME': HOME,
    'LC_ALL': 'C',
    # Nobody can answer a prompt.
    'GIT_TERMINAL_PROMPT': '0',
    'GIT_ASKPASS': 'false',
    'GIT_SSH_COMMAND': 'ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4'
                       ' -o StrictHostKeyChecking=accept-new',
    'GIT_HTTP_LOW_SPEED_LIMIT': '1000',
    'GIT_HTTP_LOW_SPEED_TIME': '60',
}


class Failed(Exception):
    pass


def git(folder, seconds, *arguments):
    """Ends git with everything that it started when the time is over."""
    command = ['git', *arguments]
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Failed('git %s: no end after %d s' % (arguments[0], seconds))
    text = output.decode(errors='replace')
    if process.returncode:
        raise Failed('git %s: %s' % (arguments[0], harmless(text) or 'exit %d' % process.returncode))
    return text


def harmless(text):
    """The end of git's output, in one line and without secrets."""
    text = re.sub(r'(\w+://)[^/\s@]*@', r'\1', text)
    text = re.sub(r'\?\S*', '', text)
    return ' '.join(re.sub(r'[^\x20-\x7e]+', ' ', text).split())[-300:]


def clone(url, path):
    """A clone that is cut off never looks like a mirror."""
    folder, name = os.path.split(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    unfinished = os.path.join(folder, '.new-' + name)
    shutil.rmtree(unfinished, ignore_errors=True)
    settings = [part for key, value in SETTINGS.items() for part in ('--config', key + '=' + value)]
    try:
        git(folder, CLONE_SECONDS, 'clone', '--mirror', '--quiet', *settings, '--', url, unfinished)
        # By plain HTTP git writes without fsync: a power failure would leave empty objects under a good name.
        os.sync()
        os.rename(unfinished, path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def fetch(url, path):
    for key, value in SETTINGS.items():
        git(path, 60, 'config', key, value)
    # The configured address of now; a repository that has moved keeps its objects.
    git(path, 60, 'config', 'remote.origin.url', url)
    if not (remove_empty_objects(path) and refetch(path)):
        git(path, FETCH_SECONDS, 'remote', 'update', '--prune')
    os.sync()


def refetch(path):
    """Everything again: whatever hung on lost objects may be missing as well. False where it fails, or git (before 2.36) does not know it."""
    try:
        git(path, FETCH_SECONDS, 'fetch', '--refetch', '--prune', 'origin')
        return True
    except Failed:
        return False


def remove_empty_objects(path):
    """Left by a power failure: git assumes that an existing object is complete, and would fail at it in every round. Returns their number."""
    removed = 0
    for folder, _, names in os.walk(os.path.join(path, 'objects')):
        if len(os.path.basename(folder)) != 2:
            continue
        for name in names:
            file = os.path.join(folder, name)
            if os.stat(file).st_size == 0:
                os.unlink(file)
                removed += 1
    return removed


def remove_stale_locks(path):
    """Left by a git that was killed. Only this program writes here, and it holds the repository's own lock."""
    for folder, _, names in os.walk(path):
        for name in names:
            # No ref can end in .lock (git-check-ref-format(1)).
            if name.endswith('.lock') or name.startswith('tmp_pack_') or name == 'gc.pid':
                os.unlink(os.path.join(folder, name))


def maintain(path):
    """
    Fewer and larger packs: the incremental steps of git-maintenance(1), which would merge two packs a day. A pack goes a day after its objects
    were seen in another, so that a reader over NFS has time to let go: by the index of the last time, which does not know what came since.
    """
    git(path, MAINTENANCE_SECONDS, 'multi-pack-index', 'expire')
    git(path, 60, 'pack-refs', '--all')
    # No commit-graph, and none of an earlier version: clone --reference --dissociate (git 2.39.5) fails at its checkout where the mirror has one.
    shutil.rmtree(os.path.join(path, 'objects', 'info', 'commit-graphs'), ignore_errors=True)
    sizes = pack_sizes(path)
    # A small repository that was cloned over plain HTTP has none.
    if sizes:
        # All packs, and with them all objects, whether any ref leads to them or not.
        git(path, MAINTENANCE_SECONDS, 'multi-pack-index', 'write')
    rest = sizes[:-1]
    if len(rest) > 1:
        # Half of all but the largest pack, the oldest first, become one.
        size = max(rest[-1] + 1, sum(rest) // 2)
        git(path, MAINTENANCE_SECONDS, 'multi-pack-index', 'repack', '--batch-size=%d' % size)
    follow_head(path)


def pack_sizes(path):
    folder = os.path.join(path, 'objects', 'pack')
    return sorted(os.stat(os.path.join(folder, name)).st_size for name in os.listdir(folder) if name.endswith('.pack'))


def flat_names(url):
    """The names by which kas looks for it in KAS_REPO_REF_DIR (kas: repos.py, qualified_name), with and without .git."""
    parts = urllib.parse.urlsplit(url)
    name = re.sub('[/:@*]', '.', parts.netloc + parts.path.rstrip('/'))
    stem = name[:-4] if name.endswith('.git') else name
    return [stem, stem + '.git']


def link(mirror, root):
    """Never in the place of a mirror. Relative: the workers see the folder elsewhere."""
    for name in flat_names(mirror['url']):
        path = os.path.join(root, 'git', name)
        if os.path.islink(path) and os.readlink(path) == mirror['name'] or os.path.exists(path) and not os.path.islink(path):
            continue
        os.symlink(mirror['name'], path + '.new')
        os.replace(path + '.new', path)


def follow_head(path):
    """The default branch may have been renamed; a fetch does not show it."""
    found = re.search(r'^ref: (refs/heads/\S+)\tHEAD$', git(path, 120, 'ls-remote', '--symref', 'origin', 'HEAD'), re.M)
    if found:
        git(path, 60, 'symbolic-ref', 'HEAD', found.group(1))


def update(mirror, root, now):
    """The new contents of the state file; None while another process works on this repository."""
    path = os.path.join(root, 'git', mirror['name'])
    state_file = common.state_of(mirror['name'])
    with open(state_file + '.flock', 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return None
        state = {**(common.read_json(state_file) or {}), 'name': mirror['name'], 'at': now}
        try:
            if os.path.isdir(path):
                remove_stale_locks(path)
                fetch(mirror['url'], path)
            else:
                clone(mirror['url'], path)
            link(mirror, root)
            state.update(ok=True, last_success=now, error=None)
            if now - state.get('maintained', 0) >= DAY:
                # Noted before, not after: maintenance that fails is not repeated at every fetch.
                state['maintained'] = now
                maintain(path)
        except (Failed, OSError) as error:
            state.update(ok=False, error=str(error)[:400], error_at=now)
        common.write_json(state_file, state)
        return state


def safely(mirror, root):
    """One repository must not stop the others, whatever its error."""
    try:
        return update(mirror, root, int(time.time()))
    except Exception as error:
        return {'name': mirror['name'], 'ok': False, 'error': '%s: %s' % (type(error).__name__, error)}


def main(seconds):
    config = common.config()
    mirrors = [mirror for mirror in config['mirrors'] if mirror['every'] == seconds]
    failed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mirror, state in zip(mirrors, pool.map(lambda one: safely(one, config['path']), mirrors)):
            if state is None:
                print('%s: is being fetched already' % mirror['name'])
            elif not state['ok']:
                failed += 1
                print('%s: %s' % (mirror['name'], state['error']))
    print('%d of %d mirrors fetched' % (len(mirrors) - failed, len(mirrors)))
    return min(failed, 100)


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1])))
