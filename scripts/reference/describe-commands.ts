/** What commander does not know of a command. Everything is optional: a command without an entry is as all others. */
export interface CommandNote {
  /** When it ends with 1, if not only because something could not be reached or done. */
  readonly one?: string;
  /** Secrets that must be in the environment. */
  readonly needs?: string;
  /** A page that tells more, below docs. */
  readonly page?: string;
}

const OTC = '`OTC_ACCESS_KEY`, `OTC_SECRET_KEY`';
const BOTH = `\`GITLAB_TOKEN\`, ${OTC}`;
const GITLAB = '`GITLAB_TOKEN`';
const BAD_HOOK = 'a hook is missing or not as it should be, or GitLab refused';

export const COMMAND_NOTES: Readonly<Record<string, CommandNote>> = {
  check: { page: 'configuration.md' },
  plan: { needs: BOTH, one: 'a source could not be read, so that nothing can be decided for a pool' },
  tick: { needs: BOTH, one: 'nothing could be decided for a pool, an action failed, or something could not be recorded' },
  serve: { needs: `${BOTH}; for hooks \`HOOK_TOKENS\` or \`HOOK_SIGNING_TOKENS\``, page: 'deploy.md' },
  explain: { needs: BOTH, one: 'the ledger holds nothing about it', page: 'operate.md' },
  console: { needs: BOTH, one: 'there is no such VM, or no console of it', page: 'worker.md' },
  counts: { needs: OTC, page: 'counts.md' },
  report: { needs: `${OTC}; with \`--live\` \`GITLAB_TOKEN\`, too`, page: 'report.md' },
  status: { needs: OTC, one: 'an alarm is raised, or what is recorded is old or missing', page: 'operate.md' },
  'hook install': { needs: GITLAB, one: BAD_HOOK, page: 'deploy.md#the-hook' },
  'hook status': { needs: GITLAB, one: BAD_HOOK, page: 'deploy.md#the-hook' },
  'hook test': { needs: GITLAB, one: BAD_HOOK, page: 'deploy.md#the-hook' },
  'hook remove': { needs: GITLAB, one: 'GitLab refused', page: 'deploy.md#the-hook' },
  'hook rotate': { page: 'deploy.md#the-hook' },
  doctor: { needs: BOTH, one: 'something is wrong that must be mended', page: 'doctor.md' },
  'dashboard publish': { needs: OTC, one: 'the page could not be read afterwards as it should be', page: 'dashboard.md' },
  'dashboard remove': { needs: OTC, page: 'dashboard.md' },
  'manager render': { page: 'manager.md' },
  'manager status': { needs: OTC, one: 'the caches need looking at, or the manager has written nothing', page: 'manager.md' },
  demo: { one: 'scaling killed a job' },
};
