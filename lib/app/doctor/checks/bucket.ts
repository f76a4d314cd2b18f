import { AccessError, ConfigError, ThrottledError } from '../../../core/errors.ts';
import { COUNTS_PREFIX, PRIVATE_PREFIXES } from '../../../core/keys.ts';
import { bucketOf, type DoctorContext, describe, unavailable } from '../context.ts';
import { error, ok, type Result, unknown, warning } from '../findings.ts';
import type { Dialect, Subject } from '../types.ts';
import { type ProbeOutcome, probeAppend } from './probe.ts';

export async function checkBucket(context: DoctorContext): Promise<readonly Result[]> {
  const { subject, services, options } = context;
  const { name, dialect } = subject.bucket;
  const bucket = bucketOf(services);
  const look = (by: Dialect) => bucket.store(by).list(COUNTS_PREFIX, { ...options, max: 1 });
  try {
    await look(dialect);
    return [ok('bucket', `The bucket ${name} can be listed.`)];
  } catch (failure) {
    if (failure instanceof AccessError) {
      const other = otherDialect(dialect);
      const speaksOther = await look(other).then(
        () => true,
        () => false,
      );
      if (speaksOther) {
        const found = `The bucket ${name} accepts the keys with the dialect ${other}, but refuses them with ${dialect}.`;
        return [error('bucket-dialect', found, `set bucket.dialect: ${other}.`)];
      }
    }
    return [bucketProblem(failure, name)];
  }
}

function bucketProblem(failure: unknown, name: string): Result {
  if (failure instanceof ConfigError && failure.code === 'NoSuchBucket') {
    return error('bucket-missing', `There is no bucket ${name}.`, 'create it (console: Object Storage Service), or correct bucket.name.');
  }
  if (failure instanceof AccessError) {
    const todo = `give the keys GetObject, PutObject, DeleteObject and ListBucket on ${name} (docs/deploy.md, Rights).`;
    return error('bucket-refused', describe(failure), todo);
  }
  if (failure instanceof ThrottledError) return unavailable('bucket', failure);
  return error('bucket-unreachable', describe(failure), 'look at otc.region and otc.endpoints.obs, and at the network from here.');
}

function otherDialect(dialect: Dialect): Dialect {
  return dialect === 'obs' ? 's3-v2' : 'obs';
}

/** An object of each private kind, asked for without any key. */
export async function checkPrivacy({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  const bucket = bucketOf(services);
  const store = bucket.store(subject.bucket.dialect);
  const keys = (await Promise.all(PRIVATE_PREFIXES.map((prefix) => store.list(prefix, { ...options, max: 1 })))).flat();
  if (keys.length === 0)
    return [unknown('bucket-privacy', 'not looked at: nothing private is there yet.', 'run doctor again after the first tick.')];
  const tried = await Promise.all(keys.map(async (key) => ({ key, status: await bucket.anonymousStatus(key, options) })));
  return judgePrivacy(tried);
}

function judgePrivacy(tried: readonly { readonly key: string; readonly status: number }[]): readonly Result[] {
  const open = tried.filter(({ status }) => status >= 200 && status < 300).map(({ key }) => key.slice(0, key.indexOf('/') + 1));
  if (open.length === 0) return [ok('bucket-privacy', 'What is private cannot be read without a key.')];
  const todo = 'let the policy of the bucket open counts/ alone (console: OBS, Permissions).';
  return [error('bucket-public', `Everybody can read ${open.join(', ')} of the bucket.`, todo)];
}

export async function checkVersions({ services, options }: DoctorContext): Promise<readonly Result[]> {
  return judgeVersions(await bucketOf(services).versioning(options));
}

function judgeVersions(versioning: 'off' | 'enabled' | 'suspended'): readonly Result[] {
  if (versioning !== 'enabled') return [ok('bucket-versions', 'The bucket keeps no versions.')];
  const found = 'The bucket keeps every version: what is written each minute is kept and paid for ever, and appends may be refused.';
  return [warning('bucket-versioned', found, 'suspend versioning (console: OBS, Versioning), or use a bucket without.')];
}

export async function checkAppend({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  if (!subject.probe) {
    return [
      unknown(
        'append',
        'not looked at: it takes writing to the bucket.',
        'scaler doctor --probe writes two small objects and deletes them.',
      ),
    ];
  }
  const { dialect } = subject.bucket;
  const outcomes = new Map<Dialect, ProbeOutcome>();
  try {
    const mine = await probeAppend(bucketOf(services).store(dialect), services.nonce(), options);
    outcomes.set(dialect, mine);
    if (mine.broken !== undefined) {
      const other = otherDialect(dialect);
      const theirs = await probeAppend(bucketOf(services).store(other), services.nonce(), options).catch(() => undefined);
      if (theirs) outcomes.set(other, theirs);
    }
  } catch (failure) {
    if (!(failure instanceof AccessError)) return [unavailable('append', failure)];
    const todo = `give the keys PutObject and DeleteObject on ${subject.bucket.name} (docs/deploy.md, Rights).`;
    return [error('bucket-refused', `The bucket can be read but not written: ${describe(failure)}`, todo)];
  }
  return judgeAppend(outcomes, subject);
}

function judgeAppend(
  outcomes: ReadonlyMap<Dialect, ProbeOutcome>,
  { settings, bucket }: Pick<Subject, 'settings' | 'bucket'>,
): readonly Result[] {
  const left = [...outcomes.values()].flatMap((outcome) => outcome.left);
  const leftBehind = left.map((key) =>
    warning('probe-left', `The probe could not delete ${key}.`, 'delete it by hand (console: OBS, Objects).'),
  );
  return [judgeDialects(outcomes, settings.append, bucket.dialect), ...leftBehind];
}

function judgeDialects(outcomes: ReadonlyMap<Dialect, ProbeOutcome>, append: boolean, dialect: Dialect): Result {
  const works = (by: Dialect) => outcomes.has(by) && outcomes.get(by)?.broken === undefined;
  const settings = (by: Dialect, on: boolean) => `bucket.append: ${on}, bucket.dialect: ${by}`;
  if (works(dialect)) {
    if (append) return ok('append', `The bucket appends correctly: ${settings(dialect, true)} are right.`);
    const found = 'The bucket appends as it must, but bucket.append is false: hooks are not kept apart, and each minute makes an object.';
    return warning('append-unused', found, `set ${settings(dialect, true)}.`);
  }
  const why = outcomes.get(dialect)?.broken ?? 'it was not tried';
  const other = otherDialect(dialect);
  if (works(other)) {
    const found = `With the dialect ${dialect} the bucket does not append correctly: ${why}. With ${other} it does.`;
    return error('append-dialect', found, `set ${settings(other, true)}.`);
  }
  if (!append) return ok('append', `The bucket does not append correctly (${why}), so bucket.append: false is right.`);
  const todo = `set ${settings(dialect, false)}, and give the scaler function at most one instance (docs/deploy.md, The bucket).`;
  return error('append-broken', `The bucket does not append correctly: ${why}.`, todo);
}
