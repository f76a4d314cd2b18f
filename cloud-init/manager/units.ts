import type { ManagerSettings } from '../../lib/config/types.ts';

/*
 * systemd units of the cache manager. Texts with settings in them, all of which the schema has narrowed to numbers and plain names.
 */

export interface Unit {
  readonly name: string;
  readonly content: string;
}

const LIB = '/usr/local/lib/gl-cache';

/** What no program of the manager needs. Each unit adds where it may write. */
const HARDENED = `NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
CapabilityBoundingSet=
`;

/**
 * Only with the volume, and after the script that checks and mounts it: on the root disk nothing may be written. No RequiresMountsFor, which would
 * mount the volume behind that script's back.
 */
const WITH_VOLUME = `ConditionPathIsMountPoint=/cache
After=gl-cache-setup.service
`;

export function managerUnits(settings: ManagerSettings): readonly Unit[] {
  const sets = mirrorSets(settings);
  return [
    { name: 'gl-cache-firewall.service', content: FIREWALL },
    { name: 'gl-cache-setup.service', content: SETUP_UNIT },
    { name: 'nfs-server.service.d/gl-cache.conf', content: NFS_SERVER },
    { name: 'gl-cache-health.service', content: HEALTH },
    { name: 'gl-cache-health.timer', content: timer('State of the caches', 'OnBootSec=30\nOnUnitActiveSec=60\nAccuracySec=1') },
    { name: 'gl-cache-prune.service', content: PRUNE },
    {
      name: 'gl-cache-prune.timer',
      content: timer('Removal of what nobody uses', 'OnCalendar=hourly\nRandomizedDelaySec=600\nPersistent=yes'),
    },
    ...sets.flatMap(mirrorUnits),
    ...hashservUnits(settings),
  ];
}

/** Repositories with the same interval are one set. */
function mirrorSets({ mirrors }: Pick<ManagerSettings, 'mirrors'>): readonly number[] {
  return [...new Set(mirrors.map(({ everySeconds }) => everySeconds))].sort((a, b) => a - b);
}

export function managerTimers(settings: ManagerSettings): readonly string[] {
  return ['gl-cache-prune.timer', ...mirrorSets(settings).map((seconds) => `gl-cache-mirror-${seconds}.timer`)];
}

export function managerServices({ hashserv }: Pick<ManagerSettings, 'hashserv'>): readonly string[] {
  return hashserv ? ['gl-cache-hashserv.service', 'gl-cache-hashserv-read-only.service'] : [];
}

const FIREWALL = `[Unit]
Description=Firewall of the cache manager
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/gl-cache/firewall.nft

[Install]
WantedBy=multi-user.target
`;

const SETUP_UNIT = `[Unit]
Description=Set up the cache manager
Wants=network-online.target
After=network-online.target gl-cache-firewall.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${LIB}/setup
TimeoutStartSec=3600
Restart=on-failure
RestartSec=30

[Install]
WantedBy=multi-user.target
`;

/** An empty folder of the root disk must never be served in the volume's place. */
const NFS_SERVER = `[Unit]
RequiresMountsFor=/cache
ConditionPathIsMountPoint=/cache

[Service]
ExecStartPost=${LIB}/nfs-check
`;

/**
 * root, without any of root's powers: the metadata address answers nobody else. Two protections give a unit a /proc of its own, without /proc/fs/nfsd
 * (seen with systemd 252): with either of them the NFS server would look dead.
 */
const HEALTH = `[Unit]
Description=Write down the state of the caches

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 ${LIB}/health.py
StateDirectory=gl-cache
TimeoutStartSec=50
${HARDENED.replaceAll(/^Protect(?:KernelTunables|ControlGroups)=yes\n/gm, '')}RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
`;

/**
 * As the user whom every job is to the server: no more can be removed than a job could. All of /cache is one path here, because each would
 * become a mount of its own, and nothing can be renamed from one mount to another.
 */
const PRUNE = `[Unit]
Description=Remove what nobody uses from the caches
${WITH_VOLUME}
[Service]
Type=oneshot
User=gl-cache
Group=gl-cache
ExecStartPre=-+${LIB}/grow
ExecStart=/usr/bin/python3 ${LIB}/prune.py
ReadWritePaths=/cache /var/lib/gl-cache/prune
Nice=19
CPUSchedulingPolicy=idle
IOSchedulingClass=idle
TimeoutStartSec=6h
${HARDENED}PrivateNetwork=yes
`;

function mirrorUnits(seconds: number): readonly Unit[] {
  const name = `gl-cache-mirror-${whole(seconds)}`;
  const jitter = Math.min(300, Math.max(5, Math.floor(seconds / 10)));
  const service = `[Unit]
Description=Fetch git mirrors (every ${seconds} s)
Wants=network-online.target
${WITH_VOLUME}After=network-online.target

[Service]
Type=oneshot
User=gl-mirror
Group=gl-mirror
ExecStart=/usr/bin/python3 ${LIB}/mirror.py ${seconds}
ReadWritePaths=/cache/git /var/lib/gl-cache/mirrors /var/lib/gl-mirror
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=infinity
${HARDENED}RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
`;
  return [
    { name: `${name}.service`, content: service },
    {
      name: `${name}.timer`,
      // From the end of the last run, so that a slow one is not followed at once by the next; after a boot, whatever was missed, soon.
      content: timer(
        `Git mirrors every ${seconds} s`,
        `OnActiveSec=10\nOnUnitInactiveSec=${seconds}\nRandomizedDelaySec=${jitter}\nAccuracySec=1`,
      ),
    },
  ];
}

function hashservUnits({ hashserv }: ManagerSettings): readonly Unit[] {
  if (!hashserv) return [];
  // Newer versions let anonymous clients clean the database unless told otherwise; older ones ignore the variable.
  const unit = (what: string, port: number, permissions: string, options: string): string => `[Unit]
Description=Hash equivalence server of bitbake${what}
${WITH_VOLUME}StartLimitIntervalSec=0

[Service]
User=gl-hashserv
Group=gl-hashserv
Environment=PYTHONDONTWRITEBYTECODE=1 HASHSERVER_ANON_PERMS=${permissions}
ExecStartPre=${LIB}/hashserv-fetch
ExecStart=/usr/bin/python3 /var/lib/gl-hashserv/${hashserv.commit}/bin/bitbake-hashserv --bind :${whole(port)} --database /cache/hashserv/hashserv.db${options}
ReadWritePaths=/cache/hashserv /var/lib/gl-hashserv
Restart=always
RestartSec=60
${HARDENED}RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6

[Install]
WantedBy=multi-user.target
`;
  return [
    { name: 'gl-cache-hashserv.service', content: unit('', hashserv.port, '@read,@report', '') },
    { name: 'gl-cache-hashserv-read-only.service', content: unit(' (read only)', hashserv.readOnlyPort, '@read', ' --read-only') },
  ];
}

function timer(description: string, when: string): string {
  return `[Unit]
Description=${description}

[Timer]
${when}

[Install]
WantedBy=timers.target
`;
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError('a setting of the manager must be a whole number above 0');
  return value;
}
