import { defined } from '../../core/defined.ts';
import { AccessError, ConfigError, describeError, NotFoundError, ScalerError } from '../../core/errors.ts';
import type { HookChange, HookDelivery, HookDetail, HookForge, HookPlace } from '../ports/index.ts';

/** What was found or done at one place. */
export interface HookOutcome {
  readonly place: HookPlace;
  readonly outcome: 'created' | 'changed' | 'removed' | 'in-order' | 'wrong' | 'absent' | 'failed';
  readonly hookId?: number;
  readonly lastDelivery?: HookDelivery;
  /** What was or is not as it should be, in sentences. */
  readonly notes: readonly string[];
}

/**
 * One hook with this URL at the place, enabled and as wanted. GitLab never shows a hook's secrets, so they are sent each time; what could be seen
 * decides whether the outcome is `in-order` or `changed`. Others' hooks are left alone.
 */
export async function installHook(forge: HookForge, place: HookPlace, wanted: HookChange, dryRun: boolean): Promise<HookOutcome> {
  return await attempt(place, async () => {
    const [hook, ...more] = (await forge.hooks(place)).filter(({ url }) => url === wanted.url);
    const twice =
      more.length === 0 ? [] : [`${more.length + 1} hooks have this URL: every event comes as often; remove all but hook ${hook?.id}`];
    if (!hook) {
      if (dryRun) return { place, outcome: 'created', notes: ['would be created'] };
      return checked(place, 'created', await forge.create(place, wanted), wanted, []);
    }
    const before = visibleFaults(hook, wanted);
    const outcome = before.length === 0 ? 'in-order' : 'changed';
    if (dryRun) return { place, outcome, hookId: hook.id, notes: [...before.map((fault) => `would be mended: ${fault}`), ...twice] };
    const after = await enabled(forge, place, await forge.update(place, hook.id, wanted));
    return checked(place, outcome, after, wanted, [...before.map((fault) => `was: ${fault}`), ...twice]);
  });
}

/** A disabled hook is sent again after a delivery that succeeded, and a test is one at once (auto_disabling.rb, `enable!`). */
async function enabled(forge: HookForge, place: HookPlace, hook: HookDetail): Promise<HookDetail> {
  if (hook.disabled === undefined) return hook;
  await forge.test(place, hook.id);
  return (await forge.hooks(place)).find(({ id }) => id === hook.id) ?? hook;
}

export async function hookStatus(forge: HookForge, place: HookPlace, wanted: HookChange): Promise<HookOutcome> {
  return await attempt(place, async () => {
    const found = (await forge.hooks(place)).filter(({ url }) => url === wanted.url);
    const [hook] = found;
    if (!hook) return { place, outcome: 'absent', notes: ['no hook with this URL: jobs here wait for the timer, up to a minute longer'] };
    const faults = visibleFaults(hook, wanted);
    const twice = found.length > 1 ? [`${found.length} hooks have this URL: every event comes as often`] : [];
    // Before 17.3 there is no list of deliveries.
    const last = await forge.lastDelivery(place, hook.id).catch((error: unknown) => {
      if (error instanceof ScalerError) return undefined;
      throw error;
    });
    const refused = last && !/^2/.test(last.status) ? [`the last delivery was answered with ${last.status}`] : [];
    const notes = [...faults, ...twice, ...refused];
    return { place, outcome: notes.length === 0 ? 'in-order' : 'wrong', hookId: hook.id, ...defined({ lastDelivery: last }), notes };
  });
}

export async function testHook(forge: HookForge, place: HookPlace, wanted: HookChange): Promise<HookOutcome> {
  return await attempt(place, async () => {
    const hook = (await forge.hooks(place)).find(({ url }) => url === wanted.url);
    if (!hook) return { place, outcome: 'absent', notes: ['no hook with this URL to test'] };
    await forge.test(place, hook.id);
    return { place, outcome: 'in-order', hookId: hook.id, notes: ['a job event was delivered and taken'] };
  });
}

export async function removeHook(forge: HookForge, place: HookPlace, url: string, dryRun: boolean): Promise<HookOutcome> {
  return await attempt(place, async () => {
    const ours = (await forge.hooks(place)).filter((hook) => hook.url === url);
    if (ours.length === 0) return { place, outcome: 'absent', notes: [] };
    if (!dryRun) for (const { id } of ours) await forge.remove(place, id);
    return { place, outcome: 'removed', notes: ours.map(({ id }) => `${dryRun ? 'would be removed: ' : ''}hook ${id}`) };
  });
}

function checked(
  place: HookPlace,
  outcome: HookOutcome['outcome'],
  hook: HookDetail,
  wanted: HookChange,
  notes: readonly string[],
): HookOutcome {
  const left = visibleFaults(hook, wanted);
  return { place, outcome: left.length === 0 ? outcome : 'wrong', hookId: hook.id, notes: [...notes, ...left] };
}

/** What can be seen of a hook that is not as wanted. */
function visibleFaults(hook: HookDetail, wanted: HookChange): readonly string[] {
  const faults: string[] = [];
  if (!hook.jobEvents) faults.push('it sends no job events');
  if (hook.pushEvents) faults.push('it sends push events, too');
  if (wanted.url.startsWith('https:') && !hook.sslVerification) faults.push('it does not check the certificate of its receiver');
  if (wanted.signingToken !== undefined && hook.signingTokenPresent === undefined)
    faults.push('this GitLab does not know signing tokens (19.0): unset HOOK_SIGNING_TOKENS, or every hook is refused');
  if (wanted.signingToken !== undefined && hook.signingTokenPresent === false) faults.push('it has no signing token');
  if (wanted.token !== undefined && hook.tokenPresent === false) faults.push('it has no secret token');
  if (hook.disabled !== undefined) faults.push(`GitLab has disabled it (${hook.disabled})`);
  return faults;
}

async function attempt(place: HookPlace, work: () => Promise<HookOutcome>): Promise<HookOutcome> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ScalerError)) throw error;
    return { place, outcome: 'failed', notes: [remedy(place, error)] };
  }
}

function remedy(place: HookPlace, error: ScalerError): string {
  const said = describeError(error).message;
  if (error instanceof AccessError && error.code === 'insufficient_scope') return `${said}: hooks need a token with the scope api`;
  if (error.code === 'http-401') return `${said}: GitLab does not take GITLAB_TOKEN (wrong, revoked or run out)`;
  if (error instanceof AccessError || error instanceof NotFoundError) {
    return place.kind === 'group'
      ? `${said}: hooks of a group need the role Owner and GitLab Premium; without, use --all-projects`
      : `${said}: hooks of a project need the role Maintainer`;
  }
  // A 422 of a test says what the receiver answered.
  return error instanceof ConfigError ? said : `${said}; try again`;
}
