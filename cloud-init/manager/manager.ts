import { gzipSync } from 'node:zlib';
import type { ManagerSettings } from '../../lib/config/types.ts';
import { type CloudFile, renderCloudConfig } from '../shared/cloud-config.ts';
import {
  COMMON_SH,
  GL_COMMON_PY,
  GROW_SH,
  HASHSERV_FETCH_SH,
  HEALTH_PY,
  MIRROR_PY,
  NFS_CHECK_SH,
  PRUNE_PY,
  SETUP_SH,
} from './programs.generated.ts';
import { managerServices, managerTimers, managerUnits } from './units.ts';

/** What ECS takes before it encodes it once more (OTC ECS API reference, creating_ecss: 32 KB), whichever way they count a kilobyte. */
const MAX_BYTES = 32_000;
const LIB = '/usr/local/lib/gl-cache';
const METADATA = 'http://169.254.169.254';

/**
 * User data of the cache manager: printable ASCII, a MIME message with one compressed part, because the text itself is larger than ECS takes. It
 * holds no secret. Throws `RangeError` when it would still be too large, or a setting cannot be written safely.
 */
export function renderManagerUserData(settings: ManagerSettings): string {
  const packed = gzipSync(renderManagerCloudConfig(settings), { level: 9 }).toString('base64');
  // cloud-init unpacks the part and finds out by itself what it is (cloud-init: user_data.py, DECOMPRESS_TYPES).
  const text = [
    'Content-Type: multipart/mixed; boundary="gl-cache"',
    'MIME-Version: 1.0',
    '',
    '--gl-cache',
    'Content-Type: application/gzip',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="cloud-config.txt.gz"',
    '',
    ...(packed.match(/.{1,76}/g) ?? []),
    '--gl-cache--',
    '',
  ].join('\n');
  if (text.length > MAX_BYTES) {
    throw new RangeError(`user data has ${text.length} bytes, more than ${MAX_BYTES}: with fewer mirrors or clients it fits`);
  }
  return text;
}

/** The same as `#cloud-config` text. Everything it writes is run by systemd units of its own, on each boot. */
function renderManagerCloudConfig(settings: ManagerSettings): string {
  return renderCloudConfig({
    files: managerFiles(settings),
    bootcmd: [],
    runcmd: [
      ['systemctl', 'daemon-reload'],
      // First the program that reports how far the machine has come.
      ['systemctl', 'enable', '--now', 'gl-cache-health.timer'],
      ['systemctl', 'enable', 'gl-cache-firewall.service', 'gl-cache-setup.service', ...managerServices(settings)],
      ['systemctl', 'start', '--no-block', 'gl-cache-setup.service'],
    ],
  });
}

/** Every file as it lies on the machine. */
export function managerFiles(settings: ManagerSettings): readonly CloudFile[] {
  const script = (name: string, content: string): CloudFile => ({ path: `${LIB}/${name}`, permissions: '0755', content });
  const program = (name: string, content: string): CloudFile => ({ path: `${LIB}/${name}`, permissions: '0644', content });
  return [
    { path: '/etc/gl-cache/manager.env', permissions: '0644', content: environmentOf(settings) },
    { path: '/etc/gl-cache/manager.json', permissions: '0644', content: `${JSON.stringify(programSettings(settings), undefined, 1)}\n` },
    { path: '/etc/gl-cache/firewall.nft', permissions: '0644', content: firewallOf(settings) },
    { path: '/etc/exports.d/gl-cache.exports', permissions: '0644', content: exportsOf(settings) },
    script('common', COMMON_SH),
    script('setup', SETUP_SH),
    script('grow', GROW_SH),
    script('nfs-check', NFS_CHECK_SH),
    ...(settings.hashserv ? [script('hashserv-fetch', HASHSERV_FETCH_SH)] : []),
    program('gl_common.py', GL_COMMON_PY),
    program('mirror.py', MIRROR_PY),
    program('prune.py', PRUNE_PY),
    program('health.py', HEALTH_PY),
    ...managerUnits(settings).map(({ name, content }): CloudFile => {
      return { path: `/etc/systemd/system/${name}`, permissions: '0644', content };
    }),
  ];
}

function environmentOf(settings: ManagerSettings): string {
  const { name, volume, owner, mirrors, hashserv } = settings;
  return [
    `MANAGER_NAME=${shellQuote(name)}`,
    `VOLUME_DEVICE=${shellQuote(volume.device)}`,
    `VOLUME_FILESYSTEM=${shellQuote(volume.filesystem)}`,
    `OWNER=${owner}`,
    // Users of their own, so that no job can write where they do.
    `MIRROR_OWNER=${owner + 1}`,
    `HASHSERV_OWNER=${owner + 2}`,
    `MIRRORS_BY_SSH=${mirrors.some(({ url }) => url.startsWith('ssh:'))}`,
    `HASHSERV_MIRROR=${shellQuote(hashserv?.mirror ?? '')}`,
    `HASHSERV_COMMIT=${shellQuote(hashserv?.commit ?? '')}`,
    `TIMERS=${shellQuote(managerTimers(settings).join(' '))}`,
    `SERVICES=${shellQuote(managerServices(settings).join(' '))}`,
    '',
  ].join('\n');
}

function shellQuote(value: string): string {
  if (!/^[\x20-\x7e]*$/.test(value)) throw new RangeError('a value for the manager is not printable');
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/** What the programs read; seconds, bytes and percent. */
function programSettings({ name, path, mirrors, prune, hashserv, health }: ManagerSettings) {
  return {
    name,
    path,
    mirrors: mirrors.map(({ url, name: mirror, everySeconds }) => ({ name: mirror, url, every: everySeconds })),
    prune: {
      unused: { sstate: prune.sstateUnusedSeconds, downloads: prune.downloadsUnusedSeconds },
      longest_job: prune.longestJobSeconds,
      start_at: prune.startAt,
      stop_at: prune.stopAt,
      most: prune.most,
    },
    hashserv_ports: hashserv ? [hashserv.port, hashserv.readOnlyPort] : [],
    metadata: METADATA,
    health: health ?? null,
  };
}

/** `mp`: only when the volume is mounted. Everybody is one user to the server, because containers run as any (exports(5)). */
function exportsOf({ path, clients, owner }: ManagerSettings): string {
  const options = (access: string) => `${access},sync,no_subtree_check,root_squash,all_squash,anonuid=${owner},anongid=${owner},sec=sys,mp`;
  return `${[path, ...clients.map(({ subnet, access }) => `${subnet}(${options(access)})`)].join(' ')}\n`;
}

/** In by default nothing; out everything, but the metadata address (user data, the agency's keys) for root alone. */
function firewallOf({ clients, sshFrom, hashserv }: ManagerSettings): string {
  const of = (access: 'rw' | 'ro') => clients.filter((client) => client.access === access).map(({ subnet }) => subnet);
  return `# Firewall of the cache manager.
add table inet gl_cache
flush table inet gl_cache
table inet gl_cache {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    ct state invalid drop
    meta l4proto { icmp, ipv6-icmp } accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
${[
  ...allowed(
    clients.map(({ subnet }) => subnet),
    2049,
  ),
  ...(hashserv
    ? [
        ...allowed(of('rw'), hashserv.port),
        ...allowed(
          clients.map(({ subnet }) => subnet),
          hashserv.readOnlyPort,
        ),
      ]
    : []),
  ...allowed(sshFrom, 22),
].join('\n')}
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
  }
  chain output {
    type filter hook output priority -10; policy accept;
    ip daddr 169.254.169.254 meta skuid 0 accept
    ip daddr 169.254.169.254 reject
    ip6 daddr { fd00:ec2::254, fe80::a9fe:a9fe } meta skuid 0 accept
    ip6 daddr { fd00:ec2::254, fe80::a9fe:a9fe } reject
  }
}
`;
}

function allowed(subnets: readonly string[], port: number): readonly string[] {
  return subnets.map((subnet) => {
    if (!/^[0-9a-f.:/]+$/i.test(subnet)) throw new RangeError('a subnet cannot be written safely');
    return `    ${subnet.includes(':') ? 'ip6' : 'ip'} saddr ${subnet} tcp dport ${port} accept`;
  });
}
