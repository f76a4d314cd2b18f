import * as z from 'zod';
import { overlap, parseNetwork } from '../../core/network.ts';
import { DAY, HOUR, MINUTE } from '../../core/time.ts';
import { section } from '../check/messages.ts';
import { duration } from '../durations.ts';
import { Name } from './fields.ts';
import { SubnetText } from './subnet.ts';

/*
 * The section `manager` of scaler.yml. Only the command line reads it (load/yaml.ts): the functions neither check nor carry it.
 */

const Client = section({
  subnet: SubnetText.meta({ description: 'where the workers are' }),
  access: z.enum(['rw', 'ro']).meta({ description: 'whether they may write' }),
});

const Device = z
  .string()
  .regex(/^\/dev\/[A-Za-z0-9][A-Za-z0-9/_.:+-]*$/, 'must be a device, such as /dev/vdb or /dev/disk/by-id/virtio-0f3c2b1a-1111-4222-8')
  .refine((path) => !path.split('/').includes('..'), 'must not hold ".."');

/** A URL that git fetches from. Whatever opens a private repository lies on the manager, never here: user data can be read by many. */
const MirrorUrl = z
  .string()
  .meta({ holds: 'URL with `https://`, `ssh://`, `http://` or `git://`, without password' })
  .superRefine((text, ctx) => {
    const message = mirrorUrlProblem(text);
    if (message !== undefined) ctx.addIssue({ code: 'custom', message });
  });

function mirrorUrlProblem(text: string): string | undefined {
  if (!/^(?:https?|ssh|git):\/\//.test(text)) return 'must begin with https://, http://, ssh:// or git://';
  if (!URL.canParse(text) || !/^[\x21-\x7e]+$/.test(text) || /["'\\`$]/.test(text)) return 'is no URL that git can fetch from';
  const url = new URL(text);
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:')) {
    return 'must not hold a password or token: docs/manager.md says where keys of private repositories go';
  }
  if (url.search !== '' || url.hash !== '') return 'must end before "?" and "#"';
  if (url.username.startsWith('-') || url.hostname.startsWith('-')) return 'must not begin its user or host with "-"';
  return url.hostname === '' || url.pathname.replaceAll('/', '') === '' ? 'names no repository' : undefined;
}

const SEGMENT = '[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}';
const MirrorName = z
  .string()
  .regex(new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,3}$`), 'must be a path below the mirrors, such as poky.git or yocto/poky.git')
  .refine((name) => !name.endsWith('.lock'), 'must not end with ".lock"');

const Mirror = section({
  url: MirrorUrl.meta({
    description: 'where it is fetched from; [manager.md](../manager.md) shows where the keys of private repositories go',
  }),
  name: MirrorName.optional().meta({ description: 'path below `/cache/git`', absent: "the URL's last part, with `.git`" }),
  every: duration({ min: MINUTE, max: 30 * DAY })
    .prefault('30m')
    .meta({ description: 'time between two fetches' }),
});

const percent = z.int().min(1).max(99);

const Prune = section({
  sstate_unused_for: duration({ min: DAY }).prefault('14d').meta({
    description: 'Objects that nobody has used for this long are moved to the trash, and deleted from it after a day or two.',
  }),
  downloads_unused_for: duration({ min: DAY }).prefault('60d').meta({ description: 'likewise' }),
  longest_job: duration({ min: HOUR, max: 30 * DAY })
    .prefault('1d')
    .meta({
      description:
        'Objects used within this time are never removed, even when the volume is full. At least the longest `maximum_timeout` of the pools; the check warns.',
    }),
  start_at: percent.default(85).meta({
    description:
      "Percent of the volume's bytes or inodes. Above it, the least recently used objects are removed, whatever their age, until `stop_at` is reached.",
  }),
  stop_at: percent.default(75).meta({ description: 'likewise; below `start_at`' }),
  most: percent.default(30).meta({
    description:
      'Percent of a tree, in objects and in bytes, that may be removed in one run. When more than that is old enough, the run is refused as a whole and reported, because a wrong clock or a restored volume looks the same.',
  }),
}).refine((prune) => prune.stop_at < prune.start_at, { path: ['stop_at'], message: 'must be below start_at' });

const port = z.int().min(1024).max(65_535);

const Hashserv = section({
  mirror: MirrorName.meta({ description: 'name of the mirror of bitbake, whose program is run' }),
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}$/, 'must be a whole commit id, 40 of 0-9 and a-f: what runs here must not change by itself')
    .meta({ description: 'commit of that mirror to run' }),
  port: port.default(8686).meta({ description: 'for `rw` clients' }),
  read_only_port: port.default(8687).meta({ description: 'for all' }),
});

const Clients = z
  .array(Client)
  .min(1)
  .superRefine((clients, ctx) => noOverlap(clients, ctx));

const Mirrors = z.array(Mirror).superRefine((mirrors, ctx) => apart(mirrors, ctx));

const VolumePart = section({
  device: Device.meta({ description: 'such as `/dev/vdb`, or better `/dev/disk/by-id/…`, which stays the same' }),
  filesystem: z.enum(['ext4', 'xfs']).default('ext4').meta({ description: 'used only when the disk is blank' }),
});

export const ManagerPart = section({
  name: Name.meta({ description: 'name of the manager, in its console lines and its health object' }),
  clients: Clients.meta({
    description:
      'Who may mount. Subnets must not overlap. NFS trusts addresses: give jobs that you do not trust a subnet of their own with `ro`.',
  }),
  ssh_from: z.array(SubnetText).default([]).meta({ description: 'who may reach port 22' }),
  volume: VolumePart.meta({ description: 'the data disk' }),
  // Below are a system's own users, above the ones that programs invent.
  owner: z.int().min(100).max(60_000).default(2000).meta({
    description:
      'Numeric user and group of all files in the caches, no matter who wrote them. The two numbers after it belong to the manager itself: mirrors and hash server.',
  }),
  mirrors: Mirrors.prefault([]).meta({ description: 'git repositories that are kept as mirrors below `/cache/git`' }),
  prune: Prune.prefault({}).meta({ description: 'what is removed from sstate and downloads', absent: 'its defaults' }),
  hashserv: z
    .union([z.literal(false), Hashserv], { error: 'must be false, or a section with mirror and commit' })
    .default(false)
    .meta({ description: "bitbake's hash equivalence server" }),
  publish_health: z.boolean().default(true).meta({
    description:
      'Write the state to `manager/v1/NAME.json` in the bucket each minute; needs an agency on the VM ([manager.md](../manager.md#its-rights)). `false`: only to `/var/lib/gl-cache/health.json` on the machine.',
  }),
})
  .meta({
    description: 'The machine that serves these caches. Only the command line reads it: the functions are built without it.',
    note: '`scaler manager render` makes the user data of the cache manager from it. An example: [configuration.md](../configuration.md#manager); how to bring one up: [manager.md](../manager.md).',
  })
  .superRefine((manager, ctx) => hashservFits(manager, ctx));
export type ManagerPart = z.infer<typeof ManagerPart>;

type Refinement = Pick<z.core.$RefinementCtx, 'addIssue'>;

function noOverlap(clients: readonly z.infer<typeof Client>[], ctx: Refinement): void {
  const subnets = clients.map(({ subnet }) => parseNetwork(subnet));
  subnets.forEach((one, i) => {
    const j = subnets.findIndex((other, at) => at < i && one !== undefined && other !== undefined && overlap(one, other));
    if (j >= 0) {
      ctx.addIssue({ code: 'custom', path: [i, 'subnet'], message: `overlaps clients[${j}]: a machine in both would have two rights` });
    }
  });
}

function apart(mirrors: readonly z.infer<typeof Mirror>[], ctx: Refinement): void {
  const names = mirrors.map(mirrorName);
  names.forEach((name, i) => {
    const j = names.findIndex((other, at) => at < i && other !== undefined && name !== undefined && inside(name, other));
    const message = `${JSON.stringify(name)} is also, or lies within, the name of mirrors[${j}]: give it a name of its own`;
    // A URL that is wrong has been told already.
    const unnamed = name === undefined && mirrorUrlProblem(mirrors[i]?.url ?? '') === undefined;
    if (unnamed) ctx.addIssue({ code: 'custom', path: [i, 'name'], message: 'is needed: none can be made of this URL' });
    else if (j >= 0) ctx.addIssue({ code: 'custom', path: [i, 'name'], message });
  });
}

/** Folders that differ in case only are refused, too: nobody tells them apart. */
function inside(a: string, b: string): boolean {
  const [one, two] = [`${a.toLowerCase()}/`, `${b.toLowerCase()}/`];
  return one.startsWith(two) || two.startsWith(one);
}

/** `https://git.example.com/meta/poky` is kept as `poky.git`. */
export function mirrorName({ url, name }: z.infer<typeof Mirror>): string | undefined {
  if (name !== undefined) return name;
  if (mirrorUrlProblem(url) !== undefined) return undefined;
  const last = new URL(url).pathname.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const made = `${last.replace(/\.git$/, '')}.git`;
  return MirrorName.safeParse(made).success ? made : undefined;
}

function hashservFits(
  { hashserv, mirrors }: { readonly hashserv: false | z.infer<typeof Hashserv>; readonly mirrors: z.infer<typeof Mirrors> },
  ctx: Refinement,
): void {
  if (hashserv === false) return;
  const issue = (key: string, message: string) => ctx.addIssue({ code: 'custom', path: ['hashserv', key], message });
  if (!mirrors.some((mirror) => mirrorName(mirror) === hashserv.mirror)) {
    issue('mirror', "is not the name of one of the mirrors: the server's program is taken from a mirror of bitbake");
  }
  if (hashserv.port === hashserv.read_only_port) issue('read_only_port', 'is the same as port');
  for (const key of ['port', 'read_only_port'] as const) {
    if (hashserv[key] === NFS_PORT) issue(key, 'is the port of NFS');
  }
}

const NFS_PORT = 2049;
