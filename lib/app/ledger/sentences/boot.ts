import type { BootPhase } from '../../../core/fleet/boot-log.ts';
import { fromIso } from '../../../core/time.ts';

/** What to do about a boot that failed, by the reason that the worker gave (cloud-init/programs/worker/setup.sh). */
const REASONS = new Map(
  Object.entries({
    'cache-unavailable':
      'the caches could not be mounted: is the manager up, does it export to this subnet, and do the security groups let NFS (TCP 2049) through? cache.required: false would go on without',
    packages: 'Debian packages could not be installed: is there a way to the mirrors, and do the pinned versions exist?',
    'package-lists': 'the lists of packages could not be fetched: is there a way out (NAT gateway or public address), and does DNS work?',
    'runner-package': 'gitlab-runner could not be installed: does the pinned version exist? An image that has it needs no download',
    'runner-repository':
      'packages.gitlab.com could not be reached or set up: is there a way out? An image with gitlab-runner in it needs none',
    'runner-version':
      'the gitlab-runner of the image is older than 17.1 and cannot be started with a configuration file: install 18.5 or later there, or take it out and set runner.packages',
    'packaged-service':
      'the service of the gitlab-runner package could not be stopped; it would take jobs of its own. Disable it in the image',
    'metadata-block': 'the metadata service could not be closed to jobs, so none were taken: does nftables work in this image?',
    'registry-mirrors':
      "runner.registry_mirrors could not be put into docker's configuration: is /etc/docker/daemon.json of the image valid JSON?",
    docker: 'docker did not come up: is it whole in the image, apparmor included?',
    handoff: 'the configuration could not be fetched: is there a way to OBS, and was the machine up within boot_timeout?',
    'job-user': 'the user gitlab-runner, as which jobs run, could not be made',
  }),
);

/** Phases that end a worker by themselves, without a reason. */
const ENDS = new Map(
  Object.entries({
    rebooted: 'the machine was started a second time; a worker then leaves at once. Who or what rebooted it?',
    'max-age': 'max_age was over before the first contact: it is shorter than the boot',
    'hard-stop': 'the last bound on its age was over: something held it up for hours',
  }),
);

export interface BootView {
  /** Why it counts as failed. */
  readonly why?: string | undefined;
  readonly phases?: readonly BootPhase[] | undefined;
  readonly reason?: string | undefined;
  readonly runnerVersion?: string | undefined;
  readonly consoleUnread?: string | undefined;
  /** The launch, the order's acceptance and the VM's start, as ISO times. */
  readonly launchedAt?: string | undefined;
  readonly createdAt?: string | undefined;
  readonly activeAt?: string | undefined;
}

/** The boot of one worker, line by line: the machine, then each phase with its uptime and what it took. */
export function bootLines(boot: BootView): readonly string[] {
  return [...machineLine(boot), ...phaseLines(boot)];
}

/** What to do about a boot that failed. */
export function adviceLine({ why, phases = [], reason, consoleUnread }: BootView): string {
  if (why === 'error') return "the cloud could not build the VM; what was wrong with it is not the worker's";
  const names = phases.map(([name]) => name);
  if (reason !== undefined) return `reason ${reason}: ${REASONS.get(reason) ?? 'not one that is known here; the console says more'}`;
  const end = names.findLast((name) => ENDS.has(name));
  if (end !== undefined) return `${end}: ${ENDS.get(end)}`;
  if (names.includes('runner-started'))
    return 'gitlab-runner was started but asked GitLab for nothing: is there a way to GitLab, and is its certificate trusted?';
  const last = names.at(-1);
  if (last !== undefined) return `it came as far as "${last}", and no further within its time`;
  if (consoleUnread !== undefined) return 'to see more next time, let the scaler read consoles (docs/deploy.md, Rights)';
  return "it printed nothing: look at the image (cloud-init), and at the subnet's way to the metadata service";
}

function machineLine({ launchedAt, createdAt, activeAt }: BootView): readonly string[] {
  if (createdAt === undefined) return [];
  const accepted = `order accepted at ${createdAt}${since(launchedAt, createdAt)}`;
  return [activeAt === undefined ? accepted : `${accepted}, VM active at ${activeAt}${since(createdAt, activeAt)}`];
}

function since(from: string | undefined, to: string): string {
  const begin = fromIso(from ?? '');
  const end = fromIso(to);
  return begin === undefined || end === undefined || end < begin ? '' : ` (+${Math.round((end - begin) / 1000)} s)`;
}

function phaseLines({ phases = [], consoleUnread, runnerVersion }: BootView): readonly string[] {
  if (phases.length === 0)
    return [consoleUnread === undefined ? 'no boot phases were seen' : `its console could not be read: ${consoleUnread}`];
  return phases.map(([name, uptime], i) => {
    const before = phases[i - 1]?.[1];
    // A machine that was started again begins at zero.
    const delta = before === undefined || uptime < before ? '' : `  +${(uptime - before).toFixed(1)} s`;
    const version = name === 'runner-version' && runnerVersion !== undefined ? ` ${runnerVersion}` : '';
    return `${uptime.toFixed(1).padStart(7)} s  ${name}${version}${delta}`;
  });
}
