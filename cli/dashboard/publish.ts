import { gzipSync } from 'node:zlib';
import type { Clock, Store } from '../../lib/app/ports/index.ts';
import { ASSETS_PREFIX, PAGE_KEY, PRIVATE_PREFIXES } from '../../lib/core/keys.ts';
import { hasHostBits, parseNetwork } from '../../lib/core/network.ts';
import {
  ourStatement,
  type PolicyStatement,
  readersStatement,
  sameStatement,
  withoutStatement,
  withStatement,
} from '../../lib/otc/obs/policy.ts';
import type { BucketWebsite, Hosting, WebsiteFile } from '../../lib/otc/obs/website.ts';
import { UserError } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { oneLine } from '../shared/printable.ts';
import type { PageFile } from './assets.ts';

export interface Bucket {
  readonly website: BucketWebsite;
  readonly store: Store;
  readonly clock: Clock;
}

export interface PublishOptions {
  /** Who may read; absent: as it is. Empty: everybody. */
  readonly networks?: readonly string[];
  readonly dryRun: boolean;
  /** How long a policy may take to come into force. */
  readonly patienceMs: number;
}

interface Change {
  readonly what: string;
  readonly apply: () => Promise<void>;
}

/** In the page's head; a page without it is somebody else's. */
const MARK = 'name="generator" content="otc-gitlab-scaler"';
const ASSET = /^assets\/dashboard-[\w-]+\.(js|css)$/;
const RETRY_MS = 2_000;

/** Who may read, from the options. `undefined`: nothing was said. Throws `UserError`. */
export function networksOf(everybody: boolean, from: readonly string[] | undefined): readonly string[] | undefined {
  if (everybody && from) throw new UserError('Give either --public or --allow-from, not both.');
  if (everybody) return [];
  return from?.map((text) => {
    const network = parseNetwork(text);
    if (!network) throw new UserError(`--allow-from ${text}: write a network such as 203.0.113.0/24, or one address.`);
    if (network.prefix === 0) throw new UserError(`--allow-from ${text} is everybody: say --public if that is meant.`);
    if (hasHostBits(network))
      throw new UserError(`--allow-from ${text} has bits set after its prefix: write the first address of the network.`);
    return text.includes('/') ? text : `${text}/${network.prefix}`;
  });
}

/** Puts the page into the bucket and opens it, doing only what is not so yet, and looks whether the rest stayed private. Gives the exit code. */
export async function publish(bucket: Bucket, page: readonly PageFile[], options: PublishOptions, output: Output): Promise<number> {
  const changes = await publishing(bucket, page.map(compressed), options.networks);
  await carryOut(changes, options.dryRun, output);
  if (options.dryRun) return 0;
  const open = ourStatement('dashboard', await bucket.website.policy());
  const found = await look(bucket, open, options.patienceMs);
  const { url } = bucket.website;
  if (output.json) output.data(JSON.stringify({ ok: found.ok, url, changes: changes.map(({ what }) => what), notes: found.notes }));
  else {
    if (changes.length === 0) output.say('Everything is up to date; nothing was changed.');
    for (const note of found.notes) output.say(oneLine(note));
    output.data(url);
  }
  return found.ok ? 0 : 1;
}

/** Undoes what `publish` did; the counts themselves stay. Gives the exit code. */
export async function unpublish({ website, store }: Bucket, options: { readonly dryRun: boolean }, output: Output): Promise<number> {
  const policy = await website.policy();
  const [hosting, mine, assets] = await Promise.all([hostingOf(website), isOurs(store), store.list(ASSETS_PREFIX)]);
  const changes: Change[] = [];
  if (ourStatement('dashboard', policy)) {
    changes.push({
      what: 'take the statement ScalerDashboard out of the policy',
      apply: () => website.setPolicy(withoutStatement('dashboard', policy)),
    });
  }
  if (hosting === 'ours' && mine !== 'other') changes.push({ what: 'end website hosting', apply: () => website.unhost() });
  const files = [...(mine === 'ours' ? [PAGE_KEY] : []), ...assets.filter((key) => ASSET.test(key))];
  changes.push(...files.map((key) => ({ what: `delete ${key}`, apply: () => store.delete(key) })));
  await carryOut(changes, options.dryRun, output);
  if (output.json) output.data(JSON.stringify({ ok: true, changes: changes.map(({ what }) => what) }));
  else if (changes.length === 0) output.say('The bucket has no dashboard; nothing was changed.');
  return 0;
}

async function carryOut(changes: readonly Change[], dryRun: boolean, output: Output): Promise<void> {
  for (const { what, apply } of changes) {
    if (!dryRun) await apply();
    output.say(oneLine(dryRun ? `would ${what}` : `${what}: done`));
  }
  if (dryRun && changes.length === 0) output.say('Nothing would be changed.');
}

/** In this order a reader never meets half of it: assets, page, what the last page needed, hosting, and only then who may read. */
async function publishing(
  { website, store }: Bucket,
  files: readonly WebsiteFile[],
  networks: readonly string[] | undefined,
): Promise<readonly Change[]> {
  const [mine, hosting, policy, assets] = await Promise.all([
    isOurs(store),
    hostingOf(website),
    website.policy(),
    store.list(ASSETS_PREFIX),
  ]);
  if (mine === 'other')
    throw new UserError(
      `The bucket ${website.bucket} has an index.html that does not belong to the dashboard. It was not changed: remove it, or use another bucket.`,
    );
  if (hosting === 'other')
    throw new UserError(
      `The bucket ${website.bucket} already hosts another website. It was not changed: turn that off, or use another bucket.`,
    );
  const held = await Promise.all(files.map((file) => website.holds(file)));
  const uploads = files.flatMap((file, i): Change[] => (held[i] ? [] : [{ what: `upload ${file.key}`, apply: () => website.put(file) }]));
  const keys = new Set(files.map(({ key }) => key));
  const old = assets.filter((key) => ASSET.test(key) && !keys.has(key));
  const removals = old.map((key): Change => ({ what: `delete ${key}`, apply: () => store.delete(key) }));
  const host: Change[] = website.hostable && hosting === 'none' ? [{ what: 'set website hosting', apply: () => website.host() }] : [];
  const wanted = networks && readersStatement('dashboard', website.bucket, networks, website.scheme);
  if (!wanted || sameStatement(ourStatement('dashboard', policy), wanted)) return [...uploads, ...removals, ...host];
  const who = networks.length === 0 ? 'everybody' : networks.join(', ');
  const what = `let ${who} read the page and counts/`;
  return [...uploads, ...removals, ...host, { what, apply: () => website.setPolicy(withStatement(policy, wanted, website.scheme)) }];
}

async function hostingOf(website: BucketWebsite): Promise<Hosting> {
  return website.hostable ? await website.hosting() : 'none';
}

/** Whose the page is that is there now. */
async function isOurs(store: Store): Promise<'none' | 'ours' | 'other'> {
  const found = await store.get(PAGE_KEY);
  if (!found) return 'none';
  return Buffer.from(found.body).includes(MARK) ? 'ours' : 'other';
}

interface Found {
  readonly ok: boolean;
  readonly notes: readonly string[];
}

/** What somebody without a key gets: the page, and nothing that is private. */
async function look({ website, store, clock }: Bucket, open: PolicyStatement | undefined, patienceMs: number): Promise<Found> {
  const page = await pageStatus(website, clock, open ? patienceMs : 0);
  const seen = await Promise.all(PRIVATE_PREFIXES.map(async (prefix) => await privateStatus(website, store, prefix)));
  const exposed = seen.filter(({ status }) => isReadable(status));
  const unproven = seen.filter(({ status }) => !isReadable(status) && status !== 401 && status !== 403);
  const notes = [
    ...pageNotes(page, open),
    ...exposed.map(
      ({ key }) =>
        `DANGER: ${key} can be read without a key. The dashboard's own policy statement does not allow this: check the bucket's ACL, its objects' ACLs and the other statements of its policy.`,
    ),
    ...unproven.map(({ key, status }) => `Could not verify that ${key} is private: HTTP ${status} without a key instead of 403.`),
    ...(exposed.length + unproven.length === 0
      ? [`Verified to be private, by requests without a key: ${PRIVATE_PREFIXES.join(', ')}.`]
      : []),
  ];
  return { ok: exposed.length === 0 && unproven.length === 0 && (isReadable(page) || !isForAll(open)), notes };
}

function pageNotes(status: number, open: PolicyStatement | undefined): readonly string[] {
  if (!open && !isReadable(status)) return ['The page cannot be read without a key yet: open it with --public or --allow-from NETWORK.'];
  if (!open) return ['Everybody can read the page, but not because of the dashboard: check the policy and the ACLs of the bucket.'];
  if (isReadable(status)) return ['The page can be read without a key.'];
  const why = isForAll(open) ? 'A policy can take some minutes to take effect.' : 'This machine may be outside the allowed networks.';
  return [`The page could not be read from here: HTTP ${status}. ${why}`];
}

/** 416: there is nothing to send, but it may be read. */
function isReadable(status: number): boolean {
  return (status >= 200 && status < 300) || status === 416;
}

function isForAll(open: PolicyStatement | undefined): boolean {
  return open !== undefined && !('Condition' in open);
}

async function pageStatus(website: BucketWebsite, clock: Clock, patienceMs: number): Promise<number> {
  const until = clock.now() + patienceMs;
  let status = await website.anonymousPage();
  while (!isReadable(status) && clock.now() + RETRY_MS <= until) {
    await clock.sleep(RETRY_MS);
    status = await website.anonymousPage();
  }
  return status;
}

/** Of an object that is there, when there is one: of others a server may say 404. */
async function privateStatus(
  website: BucketWebsite,
  store: Store,
  prefix: string,
): Promise<{ readonly key: string; readonly status: number }> {
  const [key = `${prefix}none`] = await store.list(prefix, { max: 1 });
  return { key, status: await website.anonymous(key) };
}

/** Stored compressed, since the store does not compress; a page that small is not worth it. */
function compressed({ path, body, contentType, cacheControl }: PageFile): WebsiteFile {
  const file = { key: path, contentType, cacheControl };
  return path === PAGE_KEY ? { ...file, body } : { ...file, body: gzipSync(body, { level: 9 }), contentEncoding: 'gzip' };
}
