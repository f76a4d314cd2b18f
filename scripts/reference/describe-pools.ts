import type { Description } from './describe.ts';

const SEE_POOL = "as the pool's key, while this period holds";

export const POOLS: Readonly<Record<string, Description>> = {
  'pools[].name': {
    means:
      "Part of every worker's name, `<pool>-<ulid>`. Must be unique, also among installations that share a GitLab scope. One pool's name may be the beginning of another's: a worker belongs to a pool only when exactly a ULID follows the name.",
    before: '`MachineName`',
  },
  'pools[].tags': {
    means: 'GitLab tags, compared exactly and with their case. A pool without tags needs `run_untagged`.',
    before: 'tags of the registration',
  },
  'pools[].run_untagged': { means: 'serve jobs without tags, too', before: '`run_untagged`' },
  'pools[].limit': {
    means: 'Most VMs in any state, those being deleted included. One job at a time per VM.',
    before: '`limit` and `concurrent`',
  },
  'pools[].idle_count': {
    means: 'Workers to keep free. With `idle_scale_factor` it is the upper bound of that. At most `limit`.',
    before: '`IdleCount`',
  },
  'pools[].idle_scale_factor': {
    means: 'Free workers as a share of the busy ones, cut to a whole number, at least 1; 0 is off.',
    before: '`IdleScaleFactor`',
  },
  'pools[].idle_count_min': { means: 'lower bound of that share, at most `idle_count`', before: '`IdleCountMin`' },
  'pools[].idle_time': {
    means:
      'How long a worker that is not needed may be without a job. Where nothing keeps idle workers, the worker counts this itself and powers off at its last look within that time: 3, 56, 109, … s after its last job (every 53 s), because gitlab-runner looks only between two requests and GitLab holds each for 50 s; every 3 s where GitLab does not hold them. 3 to 55 s count as 56 s: after 3 s a worker has asked only once.',
    before: '`IdleTime`',
  },
  'pools[].max_builds': { means: 'Jobs after which a worker is replaced; 0 is no bound.', before: '`MaxBuilds`' },
  'pools[].max_growth_rate': { means: 'Most VMs booting at once; 0 is no bound.', before: '`MaxGrowthRate`' },
  'pools[].max_age': {
    means:
      'From boot. Then a worker takes no new job and leaves after the running one. If it does not leave, it powers off `maximum_timeout` later (6 h where none is set), whatever runs. Longer than `boot_timeout`.',
  },
  'pools[].boot_timeout': {
    means:
      'From creation to the first contact with GitLab; a worker that takes longer is replaced. It covers what the worker installs: an image that holds docker and gitlab-runner boots in a fraction of it.',
  },
  'pools[].periods': { means: 'other idle values at other times', before: '`[[runners.machine.autoscaling]]`' },
  'pools[].scope': { means: 'jobs and runners of this pool belong elsewhere', absent: '`gitlab.scope`' },
  'pools[].machine': {
    means: 'single keys that differ from the top-level `machine`',
    absent: "the top level's",
    before: '`MachineOptions`',
  },
  'pools[].runner': {
    means: 'single keys that differ from the top-level `runner`',
    absent: "the top level's",
    before: '`[[runners]]`',
  },
  'pools[].cache': { means: "replaces the top level's as a whole; `false` for none", absent: "the top level's" },

  'pools[].periods[].periods': {
    means: 'Second, minute, hour, day of month, month, day of week, year. One expression that matches is enough.',
    before: '`Periods`',
  },
  'pools[].periods[].timezone': { means: "summer time is the zone's", before: "`Timezone` (default there: the manager's zone)" },
  'pools[].periods[].idle_count': { means: SEE_POOL, before: '`IdleCount`' },
  'pools[].periods[].idle_scale_factor': { means: SEE_POOL, before: '`IdleScaleFactor`' },
  'pools[].periods[].idle_count_min': { means: SEE_POOL, before: '`IdleCountMin`' },
  'pools[].periods[].idle_time': { means: `${SEE_POOL}; left out beside an \`idle_count\` it gives a warning`, before: '`IdleTime`' },
};
