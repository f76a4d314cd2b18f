import type { Description } from './describe.ts';

export const MANAGER: Readonly<Record<string, Description>> = {
  'manager.name': { means: 'of the manager, in its console lines and its health object' },
  'manager.clients': {
    means:
      'Who may mount. Subnets must not overlap. NFS trusts addresses: give jobs that you do not trust a subnet of their own with `ro`.',
  },
  'manager.clients[].subnet': { means: 'where the workers are' },
  'manager.clients[].access': { means: 'whether they may write' },
  'manager.ssh_from': { means: 'who may reach port 22' },
  'manager.volume': { means: 'the data disk' },
  'manager.volume.device': { means: 'such as `/dev/vdb`, or better `/dev/disk/by-id/…`, which stays the same' },
  'manager.volume.filesystem': { means: 'used only when the disk is blank' },
  'manager.owner': {
    means:
      "Numeric user and group that all of the caches' files belong to, whoever wrote them. The two numbers after it are the manager's own: mirrors and hash server.",
  },
  'manager.mirrors': { means: 'git repositories that are kept as mirrors below `/cache/git`' },
  'manager.mirrors[].url': { means: 'where it is fetched from; [manager.md](../manager.md) says where keys of private ones go' },
  'manager.mirrors[].name': { means: 'path below `/cache/git`', absent: "the URL's last part, with `.git`" },
  'manager.mirrors[].every': { means: 'time between two fetches' },
  'manager.prune': { means: 'what is removed from sstate and downloads', absent: 'its defaults' },
  'manager.prune.sstate_unused_for': {
    means: 'What nobody used for so long is moved to the trash, and deleted from there after a day or two.',
  },
  'manager.prune.downloads_unused_for': { means: 'likewise' },
  'manager.prune.longest_job': {
    means:
      'What was used within this time is never touched, even when the volume is full. At least the longest `maximum_timeout` of the pools; the check warns.',
  },
  'manager.prune.start_at': {
    means:
      "Percent of the volume's bytes or inodes. From here on the least recently used goes, whatever its age, until `stop_at` is reached.",
  },
  'manager.prune.stop_at': { means: 'likewise; below `start_at`' },
  'manager.prune.most': {
    means:
      'Percent of a tree, in objects and in bytes, that may go in one run. By age more than that is refused as a whole and told, because a wrong clock or a restored volume looks just so.',
  },
  'manager.hashserv': { means: "bitbake's hash equivalence server" },
  'manager.hashserv.mirror': { means: 'name of the mirror of bitbake, whose program is run' },
  'manager.hashserv.commit': { means: 'what is run of it' },
  'manager.hashserv.port': { means: 'for `rw` clients' },
  'manager.hashserv.read_only_port': { means: 'for all' },
  'manager.publish_health': {
    means:
      'Write the state to `manager/v1/NAME.json` in the bucket each minute; needs an agency on the VM ([manager.md](../manager.md#its-rights)). `false`: only to `/var/lib/gl-cache/health.json` on the machine.',
  },
};
