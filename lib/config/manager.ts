import * as z from 'zod';
import { isPrivate, overlap, parseNetwork } from '../core/network.ts';
import { DAY, HOUR } from '../core/time.ts';
import { section } from './check/messages.ts';
import type { Path } from './check/problems.ts';
import { duration } from './durations.ts';
import { Name } from './fields.ts';
import { SubnetText } from './subnet.ts';
import type { Config, ManagerSettings } from './types.ts';

/*
 * The section `manager` of scaler.yml. Only the command line reads it (load/yaml.ts): the functions neither check nor carry it.
 */

/** Where the data volume is mounted and what is exported; the name that a pool's `cache.export` must use. */
const CACHE_PATH = '/cache';

const Client = section({ subnet: SubnetText, access: z.enum(['rw', 'ro']) });

const Device = z
  .string()
  .regex(/^\/dev\/[A-Za-z0-9][A-Za-z0-9/_.:+-]*$/, 'must be a device, such as /dev/vdb or /dev/disk/by-id/virtio-0f3c2b1a-1111-4222-8')
  .refine((path) => !path.split('/').includes('..'), 'must not hold ".."');

/** A URL that git fetches from. Whatever opens a private repository lies on the manager, never here: user data can be read by many. */
export const MirrorUrl = z.string().superRefine((text, ctx) => {
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
  url: MirrorUrl,
  name: MirrorName.optional(),
  every: duration({ min: 60_000, max: 30 * DAY }).default(30 * 60_000),
});

const percent = z.int().min(1).max(99);

const Prune = section({
  sstate_unused_for: duration({ min: DAY }).default(14 * DAY),
  downloads_unused_for: duration({ min: DAY }).default(60 * DAY),
  longest_job: duration({ min: HOUR, max: 30 * DAY }).default(DAY),
  start_at: percent.default(85),
  stop_at: percent.default(75),
  most: percent.default(30),
}).refine((prune) => prune.stop_at < prune.start_at, { path: ['stop_at'], message: 'must be below start_at' });

const port = z.int().min(1024).max(65_535);

const Hashserv = section({
  mirror: MirrorName,
  commit: z.string().regex(/^[0-9a-f]{40}$/, 'must be a whole commit id, 40 of 0-9 and a-f: what runs here must not change by itself'),
  port: port.default(8686),
  read_only_port: port.default(8687),
});

const Clients = z
  .array(Client)
  .min(1)
  .superRefine((clients, ctx) => noOverlap(clients, ctx));

const Mirrors = z.array(Mirror).superRefine((mirrors, ctx) => apart(mirrors, ctx));

export const ManagerPart = section({
  name: Name,
  clients: Clients,
  ssh_from: z.array(SubnetText).default([]),
  volume: section({ device: Device, filesystem: z.enum(['ext4', 'xfs']).default('ext4') }),
  // Below are a system's own users, above the ones that programs invent.
  owner: z.int().min(100).max(60_000).default(2000),
  mirrors: Mirrors.default([]),
  prune: Prune.prefault({}),
  hashserv: z.union([z.literal(false), Hashserv], { error: 'must be false, or a section with mirror and commit' }).default(false),
  publish_health: z.boolean().default(true),
}).superRefine((manager, ctx) => hashservFits(manager, ctx));
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
function mirrorName({ url, name }: z.infer<typeof Mirror>): string | undefined {
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

/** What works, but probably not as meant. Paths are the document's. */
export function managerWarnings(part: ManagerPart, config: Config): readonly { readonly path: Path; readonly message: string }[] {
  const warnings: { path: Path; message: string }[] = [];
  const add = (path: Path, message: string) => warnings.push({ path: ['manager', ...path], message });
  part.clients.forEach(({ subnet }, i) => {
    const parsed = parseNetwork(subnet);
    if (parsed && !isPrivate(parsed)) add(['clients', i, 'subnet'], 'is a public network: the caches travel unencrypted');
  });
  part.mirrors.forEach(({ url }, i) => {
    if (/^(?:http|git):/.test(url)) add(['mirrors', i, 'url'], 'is not encrypted: whoever is on the way can change the sources');
  });
  const longest = Math.max(0, ...config.settings.pools.map(({ runner }) => (runner.maximumTimeout ?? 0) * 1000));
  if (part.prune.longest_job < longest) {
    add(['prune', 'longest_job'], 'is shorter than a maximum_timeout of the pools: a job could lose what it has seen');
  }
  config.settings.pools.forEach(({ cache }) => {
    if (cache && cache.export !== CACHE_PATH) add([], `exports ${CACHE_PATH}, but a pool's cache.export is ${cache.export}`);
  });
  return warnings;
}

/** Renames once, here; spans become seconds. */
export function resolveManager(part: ManagerPart, config: Config): ManagerSettings {
  const { prune, hashserv } = part;
  const { name: bucket, dialect } = config.bucket;
  return {
    name: part.name,
    path: CACHE_PATH,
    clients: part.clients,
    sshFrom: part.ssh_from,
    volume: part.volume,
    owner: part.owner,
    mirrors: part.mirrors.map((mirror) => ({
      url: mirror.url,
      name: mirrorName(mirror) ?? '',
      everySeconds: Math.round(mirror.every / 1000),
    })),
    prune: {
      sstateUnusedSeconds: Math.round(prune.sstate_unused_for / 1000),
      downloadsUnusedSeconds: Math.round(prune.downloads_unused_for / 1000),
      longestJobSeconds: Math.round(prune.longest_job / 1000),
      startAt: prune.start_at,
      stopAt: prune.stop_at,
      most: prune.most,
    },
    ...(hashserv && {
      hashserv: { mirror: hashserv.mirror, commit: hashserv.commit, port: hashserv.port, readOnlyPort: hashserv.read_only_port },
    }),
    ...(part.publish_health && { health: { endpoint: config.otc.endpoints.obs, bucket, dialect } }),
  };
}
