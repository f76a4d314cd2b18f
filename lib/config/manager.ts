import { isPrivate, parseNetwork } from '../core/network.ts';
import type { Path } from './check/problems.ts';
import { type ManagerPart, mirrorName } from './schema/manager.ts';
import type { Config, ManagerSettings } from './types.ts';

/** Where the data volume is mounted and what is exported; the name that a pool's `cache.export` must use. */
const CACHE_PATH = '/cache';

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
