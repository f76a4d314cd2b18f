## Pruning of sstate and downloads. Two stages: entries that nobody has used for long are moved aside, and deleted at least a day later, so that a
## mistake can be undone (`mv`). Bitbake touches an sstate object when it reuses it, and a download's stamp when it uses the download (openembedded-core:
## meta/classes-global/sstate.bbclass; bitbake: lib/bb/fetch2), so the time of modification is that of the last use; reads by read-only clients
## show in the time of access, which the volume keeps to the day (relatime).
"""Removes unused entries from sstate and downloads: prune.py [--accept]. --accept: even if they are a larger share than usual."""
import os
import shutil
import stat
import sys
import time

import gl_common as common

DAY = 86400
# A little less than a day: the timer's own jitter must not make it every other day.
EVERY = 20 * 3600
TREES = ('sstate', 'downloads')
# Folders in DL_DIR whose entries are pruned one by one (bitbake: lib/bb/fetch2).
CONTAINERS = ('git2', 'hg', 'svn', 'npm2', 'bzr', 'cvs', 'osc', 'p4', 'repo')


class Thing:
    """Files that are used, moved and deleted together. Paths are relative to the tree, in the order of their removal."""

    def __init__(self):
        self.paths = []
        self.last = 0
        self.bytes = 0
        self.files = 0

    def add(self, path, use):
        self.paths.append(path)
        self.last = max(self.last, use[0])
        self.bytes += use[1]
        self.files += use[2]


def use_of(path):
    """(last use, bytes, files) of a file, or of a folder with all its contents."""
    info = os.lstat(path)
    if not stat.S_ISDIR(info.st_mode):
        return max(info.st_mtime, info.st_atime), info.st_blocks * 512, 1
    # A folder's time of access is that of its last listing, for example by this program.
    last, size, files = info.st_mtime, info.st_blocks * 512, 1
    for entry in os.scandir(path):
        below = use_of(entry.path)
        last, size, files = max(last, below[0]), size + below[1], files + below[2]
    return last, size, files


def collect(root, paths, key_of):
    """Groups paths into things. Paths that vanish meanwhile were removed by others; locks are never removed."""
    things = {}
    for path in paths:
        if path.endswith('.lock'):
            continue
        try:
            use = use_of(os.path.join(root, path))
        except OSError:
            continue
        things.setdefault(key_of(path), Thing()).add(path, use)
    for thing in things.values():
        # An object before the files that describe it, so that nobody finds it without them; sorted, because the listing is not.
        thing.paths.sort(key=lambda path: (len(path), path))
    return list(things.values())


def sstate_things(root):
    """An object with its siginfo, signature and stamp, all in the same folder. Folders stay: a build may be about to write there."""
    things = []
    for folder, _, names in os.walk(root):
        below = os.path.relpath(folder, root)
        paths = [os.path.normpath(os.path.join(below, name)) for name in names]
        things += collect(root, paths, without_endings)
    return things


def without_endings(path):
    while path.endswith(('.siginfo', '.sig', '.done')):
        path = path[:path.rindex('.')]
    return path


def download_things(root):
    """A file or clone with its stamp. The stamp of a clone may be beside its folder or above it."""
    paths = []
    clones = {}
    for name in sorted(os.listdir(root)):
        whole = os.path.join(root, name)
        if name in CONTAINERS and os.path.isdir(whole) and not os.path.islink(whole):
            for entry in os.listdir(whole):
                paths.append(name + '/' + entry)
                clones[entry] = name + '/' + entry
        else:
            paths.append(name)

    def key_of(path):
        key = path[:-len('.done')] if path.endswith('.done') else path
        return key if key in known else clones.get(key, key)

    known = set(paths)
    things = collect(root, paths, key_of)
    for thing in things:
        # The stamp goes first: a file without a stamp is checked again, which is safe; a stamp without its file is not.
        thing.paths.sort(key=lambda path: not path.endswith('.done'))
    return things


THINGS = {'sstate': sstate_things, 'downloads': download_things}


def move(root, thing, tree, to):
    """Moves a thing aside unless it has been used since it was listed. Returns what that will free: (bytes, files)."""
    source = os.path.join(root, tree)
    try:
        if max(use_of(os.path.join(source, path))[0] for path in thing.paths) > thing.last:
            return 0, 0
        for path in thing.paths:
            target = os.path.join(to, tree, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            writable(os.path.join(source, path))
            os.rename(os.path.join(source, path), target)
    except OSError as error:
        # Something else removed or changed it, so it is in use or gone.
        print('%s: not moved: %s' % (ascii(thing.paths[0]), error.strerror))
        return 0, 0
    return thing.bytes, thing.files


def writable(path):
    """A folder that is not writable cannot be moved into another one, because its '..' changes."""
    mode = os.lstat(path).st_mode
    if stat.S_ISDIR(mode) and not mode & stat.S_IWUSR:
        os.chmod(path, 0o700)


def loosen(path):
    """Folders that are not writable, such as a module cache's, cannot be emptied."""
    os.chmod(path, 0o700)
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False):
            loosen(entry.path)


def trash_days(root):
    trash = os.path.join(root, '.trash')
    return sorted(name for name in os.listdir(trash) if os.path.isdir(os.path.join(trash, name)))


def delete(root, day):
    path = os.path.join(root, '.trash', day)
    try:
        loosen(path)
        shutil.rmtree(path)
    except OSError as error:
        print('trash of %s: %s' % (day, error.strerror))


def empty_trash(root, now, limits):
    """Deletes what was moved at least a day ago; if the volume is full, also the rest, oldest first, until there is room."""
    # Named by the day in UTC; part of yesterday's is younger than a day.
    due = common.iso(now - 2 * DAY)[:10]
    pressed = common.fill(common.volume(root)) >= limits['start_at']
    for day in trash_days(root):
        if day <= due or (pressed and common.fill(common.volume(root)) > limits['stop_at']):
            delete(root, day)


class Share:
    """The share of a tree that a selection makes up."""

    def __init__(self, things):
        self.things = len(things)
        self.all_bytes = sum(thing.bytes for thing in things)
        self.count = 0
        self.bytes = 0

    def fits(self, thing, most):
        """Whether the selection may grow by this thing: to at most that percentage of the number and of the bytes."""
        self.count += 1
        self.bytes += thing.bytes
        return 100 * self.count <= most * self.things and 100 * self.bytes <= most * self.all_bytes


def prune_by_age(tree, things, now, limits, accept):
    """(things to move, reason for not moving)"""
    unused = max(limits['unused'][tree], limits['longest_job'])
    old = [thing for thing in things if thing.last < now - unused]
    share = Share(things)
    if not accept and not all(share.fits(thing, limits['most']) for thing in old):
        return [], '%s: %d of %d are unused for %d days, more than %d %% at once' % (tree, len(old), len(things), unused // DAY, limits['most'])
    return old, None


def prune_by_fill(trees, now, limits, disk):
    """The least recently used of both trees, until the volume would be down to stop_at; from each tree at most its share."""
    candidates = sorted(((thing.last, tree, n) for tree in trees for n, thing in enumerate(trees[tree])
                         if thing.last < now - limits['longest_job']))
    chosen = {tree: [] for tree in trees}
    shares = {tree: Share(trees[tree]) for tree in trees}
    full = set()
    left = dict(disk)
    for _, tree, n in candidates:
        if common.fill(left) <= limits['stop_at']:
            break
        thing = trees[tree][n]
        if tree in full:
            continue
        if not shares[tree].fits(thing, limits['most']):
            full.add(tree)
            continue
        chosen[tree].append(thing)
        left['used'] -= thing.bytes
        left['inodes_used'] -= thing.files
    short = None if common.fill(left) <= limits['stop_at'] else 'the volume stays over %d %%: what is left is too young or too large a share' % limits['stop_at']
    return chosen, short


def prune(root, now, limits, accept):
    disk = common.volume(root)
    by_fill = common.fill(disk) >= limits['start_at']
    trees = {tree: THINGS[tree](os.path.join(root, tree)) for tree in TREES}
    refused = []
    if by_fill:
        chosen, short = prune_by_fill(trees, now, limits, disk)
        refused = [short] if short else []
    else:
        chosen = {}
        for tree in TREES:
            chosen[tree], why = prune_by_age(tree, trees[tree], now, limits, accept)
            refused += [why] if why else []
    to = os.path.join(root, '.trash', common.iso(now)[:10], common.iso(now)[11:19].replace(':', ''))
    report = {'at': common.iso(now), 'mode': 'fill' if by_fill else 'age', 'refused': refused, 'trees': {}}
    for tree in TREES:
        moved = [freed for freed in (move(root, thing, tree, to) for thing in chosen[tree]) if freed[1]]
        report['trees'][tree] = {
            'objects': len(trees[tree]),
            'bytes': sum(thing.bytes for thing in trees[tree]),
            'moved': len(moved),
            'moved_bytes': sum(freed[0] for freed in moved),
        }
    return report


def trash_report(root):
    days = trash_days(root)
    uses = [use_of(os.path.join(root, '.trash', day)) for day in days]
    return {'days': len(days), 'bytes': sum(use[1] for use in uses), 'oldest': days[0] if days else None}


def main(accept, now):
    config = common.config()
    root, limits = config['path'], config['prune']
    empty_trash(root, now, limits)
    report = common.read_json(common.PRUNE) or {}
    disk = common.volume(root)
    if accept or common.fill(disk) >= limits['start_at'] or now - report.get('run', 0) >= EVERY:
        report = prune(root, now, limits, accept)
        report['run'] = now
        if common.fill(common.volume(root)) >= (100 + limits['start_at']) / 2:
            # Halfway from start_at to full, builds are about to fail: waiting for a day is not possible.
            empty_trash(root, now, limits)
    report['trash'] = trash_report(root)
    common.write_json(common.PRUNE, report)
    for line in report['refused']:
        print(line)
    print('; '.join('%s: %d of %d moved' % (tree, at['moved'], at['objects']) for tree, at in report['trees'].items()))


if __name__ == '__main__':
    main('--accept' in sys.argv[1:], int(time.time()))
