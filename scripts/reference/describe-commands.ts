/** What commander does not know about a command. A command without an entry has nothing special. */
export interface CommandNote {
  /** Reasons for exit code 1 other than that something could not be reached or done. */
  readonly one?: string;
  /** Secrets that must be in the environment. */
  readonly needs?: string;
  /** A page with more about it, below docs. */
  readonly page?: string;
}

const OTC = '`OTC_ACCESS_KEY`, `OTC_SECRET_KEY`';
const BOTH = `\`GITLAB_TOKEN\`, ${OTC}`;
const GITLAB = '`GITLAB_TOKEN`';
const BAD_HOOK = 'a hook is missing or wrong, or GitLab refused';

export const COMMAND_NOTES: Readonly<Record<string, CommandNote>> = {
  check: { page: 'configuration.md' },
  plan: { needs: BOTH, one: 'a source could not be read, so that no plan could be made for a pool' },
  tick: { needs: BOTH, one: 'no plan could be made for a pool, an action failed, or something could not be recorded' },
  serve: { needs: `${BOTH}; for hooks \`HOOK_TOKENS\` or \`HOOK_SIGNING_TOKENS\``, page: 'deploy.md' },
  explain: { needs: BOTH, one: 'the ledger has no entry about it', page: 'operate.md' },
  console: { needs: BOTH, one: 'the VM does not exist or has no console', page: 'worker.md' },
  counts: { needs: OTC, page: 'counts.md' },
  report: { needs: `${OTC}; with \`--live\` also \`GITLAB_TOKEN\``, page: 'report.md' },
  status: { needs: OTC, one: 'an alarm is raised, or the recorded data is old or missing', page: 'operate.md' },
  'hook install': { needs: GITLAB, one: BAD_HOOK, page: 'deploy.md#the-hook' },
  'hook status': { needs: GITLAB, one: BAD_HOOK, page: 'deploy.md#the-hook' },
  'hook test': { needs: GITLAB, one: BAD_HOOK, page: 'deploy.md#the-hook' },
  'hook remove': { needs: GITLAB, one: 'GitLab refused', page: 'deploy.md#the-hook' },
  'hook rotate': { page: 'deploy.md#the-hook' },
  doctor: { needs: BOTH, one: 'there is an error', page: 'doctor.md' },
  'dashboard publish': { needs: OTC, one: 'the page could not be read as intended afterwards', page: 'dashboard.md' },
  'dashboard remove': { needs: OTC, page: 'dashboard.md' },
  'manager render': { page: 'manager.md' },
  'manager status': { needs: OTC, one: 'the caches need attention, or the manager has written nothing', page: 'manager.md' },
  demo: { one: 'scaling killed a job' },
};
