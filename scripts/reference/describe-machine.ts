import type { Description } from './describe.ts';

const PLACE = 'required, here or at the pool';
const NEWEST = 'the newest';
const pinned = (what: string): Description => ({ means: what, absent: NEWEST });

/** `machine` and `runner`, at the top and at a pool. */
export const MACHINE_AND_RUNNER: Readonly<Record<string, Description>> = {
  'machine.image': {
    means:
      'Exact name of an image, or its id. Public names that end in `_latest` move to a new image with each refresh; the newest is looked up. Debian or Ubuntu with cloud-init.',
    absent: PLACE,
    before: '`otc-image-name`, `otc-image-id`',
  },
  'machine.image.id': { means: 'the image with this id, instead of a name' },
  'machine.flavors': {
    means: 'In order of preference: when one is sold out, the next is tried.',
    absent: PLACE,
    before: '`otc-flavor-id`, `otc-flavor-name`',
  },
  'machine.zones': {
    means: 'In order of preference. For each flavor all zones are tried.',
    absent: PLACE,
    before: '`otc-available-zone`, `otc-availability-zone`',
  },
  'machine.vpc_id': { means: 'the VPC', absent: PLACE, before: '`otc-vpc-id`' },
  'machine.subnet_id': {
    means:
      'The VPC subnet (its network id, not the neutron subnet id), or a list of them in order of preference: when one has no address left, the next is tried.',
    absent: PLACE,
    before: '`otc-subnet-id`',
  },
  'machine.security_groups': {
    means:
      'Ids, not names. Workers need no inbound port at all; outbound they need GitLab, the object storage, the caches, and TCP 80 to 169.254.169.254.',
    absent: PLACE,
    before: '`otc-security-group`, `otc-sec-groups`',
  },
  'machine.root_volume': {
    means: 'the disk; replaced as a whole by a pool that has its own',
    absent: { value: { type: 'SSD', size: 40 } },
  },
  'machine.root_volume.type': { means: 'kind of disk (`SATA` is no longer sold)', before: '`otc-root-volume-type`' },
  'machine.root_volume.size': { means: 'in GiB', before: '`otc-root-volume-size`' },
  'machine.public_ip': {
    means: 'An address of its own. Without one the subnet needs another way out (NAT gateway). It is deleted with the worker.',
    absent: { value: false },
    before: '`otc-elastic-ip`',
  },
  'machine.public_ip.bandwidth': { means: 'in Mbit/s', before: '`otc-bandwidth-size`' },
  'machine.public_ip.type': { means: 'kind of address', before: '`otc-elasticip-type`' },
  'machine.key_name': {
    means: 'SSH key pair, visible to the account that creates the VM. Not needed to run jobs.',
    before: '`otc-keypair-name`',
  },

  'runner.executor': {
    means: '`shell`: jobs run as the user gitlab-runner',
    absent: { value: 'docker' },
    before: '`executor`, there `docker+machine`',
  },
  'runner.docker': {
    means: "what gitlab-runner's docker executor is told, merged key by key",
    absent: 'see its keys',
    before: '`[runners.docker]`',
  },
  'runner.docker.image': { means: 'of jobs that name none', absent: { value: 'ubuntu:20.04' } },
  'runner.docker.privileged': {
    means: "Makes every job root on its worker: it can read the worker's token and the metadata service. The check warns.",
    absent: { value: false },
  },
  'runner.docker.disable_entrypoint_overwrite': { means: "jobs may not replace an image's entrypoint", absent: { value: false } },
  'runner.docker.oom_kill_disable': { means: 'the kernel does not end a container that takes too much memory', absent: { value: false } },
  'runner.docker.disable_cache': { means: "no cache volumes of gitlab-runner's own making", absent: { value: false } },
  'runner.docker.tls_verify': { means: 'for a docker daemon that is reached through TLS', absent: { value: false } },
  'runner.docker.volumes': {
    means: "What jobs see of the worker's disk: `/cache` is the caches. `:ro` where the caches' `access` is `ro`.",
    absent: { value: ['/cache:/var/shared:rw'] },
  },
  'runner.docker.shm_size': { means: "size of `/dev/shm` in bytes; 0 is docker's own default", absent: { value: 0 } },
  'runner.docker.pull_policy': { means: 'when images are fetched, such as `if-not-present`', absent: "gitlab-runner's, `always`" },
  'runner.registry_mirrors': {
    means:
      "Mirrors of Docker Hub that the worker's docker asks first, in this order. They are added to the image's own `/etc/docker/daemon.json`, before the mirrors there; its other keys stay.",
    absent: "the image's",
    before: '`engine-registry-mirror`',
  },
  'runner.environment': { means: 'variables of every job', absent: { value: [] }, before: '`environment`' },
  'runner.protected_only': {
    means: 'serve protected branches and tags only',
    absent: { value: false },
    before: 'access level of the registration',
  },
  'runner.maximum_timeout': {
    means:
      'Longer jobs are ended by GitLab. Set it to the longest job: a worker that has reached `max_age` ends that much later whatever runs, and 6 h later where it is not set (the check warns).',
    before: 'maximum timeout of the registration',
  },
  'runner.check_interval': {
    means:
      'Has no effect: workers run `gitlab-runner run-single`, which waits 3 s between two requests. Accepted so that an old figure can stay.',
    absent: { value: 0 },
    before: '`check_interval`',
  },
  'runner.session_timeout': {
    means:
      'Has no effect: `gitlab-runner run-single` asks for jobs without a session server, so there is no web terminal. Accepted so that an old figure can stay.',
    absent: { value: '30m' },
    before: '`session_timeout`',
  },
  'runner.disk': {
    means: 'the room that a worker wants on its disk before each job but the first; replaced as a whole by a pool that has its own',
    absent: { value: { min_free_gb: 5, prune: true } },
  },
  'runner.disk.min_free_gb': {
    means:
      'In GiB. With less free, and nothing to remove, a worker takes no further job and leaves. 0: nobody looks. Less than `root_volume.size`.',
  },
  'runner.disk.prune': {
    means:
      "Remove what no job uses, the oldest first, until there is room: stopped containers, images, gitlab-runner's volumes, build folders of the shell executor.",
  },
  'runner.packages': { means: 'versions of what a worker installs, merged package by package', absent: NEWEST },
  'runner.packages.apparmor': pinned('for docker'),
  'runner.packages.ca-certificates': pinned('certificate authorities'),
  'runner.packages.curl': pinned('fetches the configuration of the worker'),
  'runner.packages.docker.io': pinned('docker'),
  'runner.packages.gitlab-runner': pinned(
    'At least 17.1; 18.5 or later is recommended (the check warns). From 17.7 on, `gitlab-runner-helper-images` comes in the same version.',
  ),
  'runner.packages.nfs-common': pinned('mounts the caches'),
  'runner.packages.nftables': pinned('the block of the metadata service'),
};
