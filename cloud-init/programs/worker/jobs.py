## run.sh starts it if the disk is to be kept free. Each job has its own gitlab-runner: between two of them nothing runs, so nothing is removed during a
## job, and a full disk is noticed before the next one. gitlab-runner itself decides how long it waits for a job, and what counts as one.
##
## Not sh: it starts what runs in the background with SIGQUIT ignored, and that signal is how a worker is asked to leave.
"""Takes jobs, and checks the disk between them."""
import argparse
import os
import signal
import subprocess
import sys
import threading
import time

PRUNE_SECONDS = 600
COMMAND_SECONDS = 120
REASON = '/run/gl-scaler.reason'
# gitlab-runner's message after its last job (commands/single.go, 9.0 to 19.4). Without it there was no job, and the worker leaves.
HAD_JOB = b'This runner has processed its build limit'
# GitLab refuses requests: the runner is deleted, or its token has expired (network/gitlab.go, 1.0 to 19.4). It asks only without a job.
REFUSED = b'Checking for jobs... forbidden'

runner = None
early = []
leaving = False


def leave(reason):
    global leaving
    leaving = True
    with open(REASON, 'w') as file:
        file.write(reason)


def forward(number, _frame):
    """gitlab-runner leaves after its job at SIGQUIT, and at once at SIGTERM."""
    global leaving
    leaving = True
    if runner:
        runner.send_signal(number)
    else:
        early.append(number)


def copy(process, words):
    for line in process.stderr:
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
        if HAD_JOB in line:
            words.append(line)
        if REFUSED in line:
            # It would wait for 300 s and ask again in vain.
            leave('runner-refused')
            process.send_signal(signal.SIGTERM)


def take_job(options):
    """Waits for one job and runs it. Returns the exit status of gitlab-runner, and whether it had a job."""
    global runner
    process = subprocess.Popen(
        ['gitlab-runner', 'run-single', '--config', '/etc/gitlab-runner/config.toml', '--runner', options.runner,
         '--max-builds', '1', '--wait-timeout', str(options.wait_timeout)], stderr=subprocess.PIPE)
    runner = process
    # Signals that came before gitlab-runner was started.
    while early:
        process.send_signal(early.pop(0))
    words = []
    reader = threading.Thread(target=copy, args=(process, words), daemon=True)
    reader.start()
    status = process.wait()
    runner = None
    # A process that a job left behind may keep the stream open.
    reader.join(5)
    return status, bool(words)


def lines(*command):
    """A command's output; no lines if it fails or does not exist."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=COMMAND_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.decode(errors='replace').splitlines() if done.returncode == 0 else []


def enough(options):
    """Whether the fullest disk that jobs write to has room. An unreadable disk does not count."""
    disks = ['/', os.getcwd(), *lines('docker', 'info', '--format', '{{.DockerRootDir}}')]
    free = [int(line.split()[3]) for line in lines('df', '-P', '-k', *disks)[1:]]
    return not free or min(free) >= options.min_free * 1024 * 1024


def aged(times, *removal):
    """Pairs of time and removing command, from docker's lines of TIME NAME."""
    pairs = (line.split(' ', 1) for line in times)
    return sorted((when[:19], [*removal, name]) for when, name in pairs)


def containers():
    stopped = [part for state in ('created', 'exited', 'dead') for part in ('--filter', 'status=' + state)]
    ids = lines('docker', 'ps', '--all', '--quiet', *stopped)
    return aged(lines('docker', 'inspect', '--format', '{{.Created}} {{.Id}}', *ids) if ids else [],
                'docker', 'rm', '--volumes')


def images():
    """The time is that of the pull."""
    ids = set(lines('docker', 'image', 'ls', '--quiet', '--no-trunc'))
    rest = lines('docker', 'ps', '--all', '--quiet')
    ids -= set(lines('docker', 'inspect', '--format', '{{.Image}}', *rest) if rest else [])
    return aged(lines('docker', 'image', 'inspect', '--format', '{{.Metadata.LastTagTime}} {{.Id}}', *ids) if ids else [],
                'docker', 'image', 'rm', '--force')


def volumes():
    """Only those of gitlab-runner, and anonymous ones."""
    names = [name for name in lines('docker', 'volume', 'ls', '--quiet', '--filter', 'dangling=true')
             if name.startswith('runner-') or (len(name) == 64 and not set(name) - set('0123456789abcdef'))]
    return aged(lines('docker', 'volume', 'inspect', '--format', '{{.CreatedAt}} {{.Name}}', *names) if names else [],
                'docker', 'volume', 'rm')


def build_folders():
    """Of the shell executor, below the folder that it was started in. Removed as the user of the jobs, who owns their contents."""
    found = []
    for folder, names, _ in os.walk('builds'):
        projects = [name for name in names if os.path.exists(os.path.join(folder, name, '.git')) or name + '.tmp' in names]
        for name in projects:
            path = os.path.abspath(os.path.join(folder, name))
            when = time.strftime('%Y-%m-%dT%H:%M:%S', time.localtime(os.stat(path).st_mtime))
            found.append((when, ['/usr/local/lib/gl-scaler/shell/bash', '-c', 'chmod -R u+rwX -- "$0"; rm -rf -- "$0"', path]))
        names[:] = [name for name in names if name not in projects and not name.endswith('.tmp')]
    return sorted(found)


def prune(options):
    """Oldest first, until there is room. Containers before their images and volumes."""
    until = time.monotonic() + PRUNE_SECONDS
    for wave in ((containers,), (volumes, images if options.prune == 'all' else list, build_folders if options.shell else list)):
        for _, removal in sorted(one for find in wave for one in find()):
            if leaving or enough(options) or time.monotonic() > until:
                return
            print('disk: %s' % ' '.join(removal), flush=True)
            lines(*removal)


def room(options):
    if not enough(options) and options.prune != 'nothing':
        prune(options)
    return enough(options)


def main(options):
    done = 0
    while not leaving:
        status, had_job = take_job(options)
        done += 1
        if status or not had_job or done == options.max_builds:
            # Ended by a signal: the number as in a shell.
            return status if status >= 0 else 128 - status
        if not room(options):
            leave('disk')
    return 0


if __name__ == '__main__':
    for number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    parser = argparse.ArgumentParser()
    parser.add_argument('--runner', required=True)
    parser.add_argument('--shell', action='store_true')
    parser.add_argument('--min-free', type=int, required=True)
    parser.add_argument('--prune', choices=['all', 'but-images', 'nothing'], required=True)
    parser.add_argument('--max-builds', type=int, default=0)
    parser.add_argument('--wait-timeout', type=int, default=0)
    sys.exit(main(parser.parse_args()))
