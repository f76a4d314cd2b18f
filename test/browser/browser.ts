import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { PageFile } from '../../cli/dashboard/assets.ts';
import { publish } from '../../cli/dashboard/publish.ts';
import { Obs } from '../../lib/otc/obs/client.ts';
import { BucketWebsite } from '../../lib/otc/obs/website.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { buildDashboard } from '../../scripts/dashboard.ts';

/** Where pictures go; not part of the repository. */
export const PICTURES = join(import.meta.dirname, '../../reports/dashboard');

/** Debian's chromium, or the one that CHROMIUM names. Its sandbox needs rights that containers lack. */
export async function startBrowser(): Promise<Browser> {
  mkdirSync(PICTURES, { recursive: true });
  return await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
}

const TYPES: Readonly<Record<string, string>> = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css' };

export async function builtPage(): Promise<readonly PageFile[]> {
  return (await buildDashboard()).map(({ path, contents }) => ({
    path,
    body: Buffer.from(contents),
    contentType: TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? '',
    cacheControl: 'no-cache',
  }));
}

export interface Site {
  readonly sandbox: Sandbox;
  readonly store: Obs;
  readonly url: string;
  /** Puts objects into the bucket. */
  fill(objects: ReadonlyMap<string, string>): void;
}

/** A bucket of the sandbox with the page published in it, readable by everybody, and what is private beside it. */
export async function publishedSite(objects: ReadonlyMap<string, string>): Promise<Site> {
  const sandbox = await startSandbox({ clock: new RunningClock() });
  const clock = { now: () => Date.now(), sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
  const options = { endpoint: sandbox.urls.obs, bucket: sandbox.bucket, credentials: sandbox.credentials, clock };
  const [website, store] = [new BucketWebsite(options), new Obs(options)];
  const fill = (more: ReadonlyMap<string, string>) => {
    for (const [key, text] of more) sandbox.obs.bucket(sandbox.bucket).put(key, Buffer.from(text), {});
  };
  fill(new Map([...objects, ['handoff/v1/w.toml', 'token = "t"']]));
  const output = { json: false, say: () => undefined, data: () => undefined };
  await publish({ website, store, clock }, await builtPage(), { networks: [], dryRun: false, patienceMs: 5_000 }, output);
  return { sandbox, store, url: website.url, fill };
}

export interface Visit {
  readonly page: Page;
  /** Origins that were asked for anything. */
  readonly origins: ReadonlySet<string>;
  /** What the page complained of; files that are not there are no complaint of it. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** A person with a fresh browser opens the page and waits until it has looked once. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'Europe/Berlin', ...options });
  const page = await context.newPage();
  const origins = new Set<string>();
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) origins.add(new URL(request.url()).origin);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text());
  });
  await page.goto(url);
  await page.waitForFunction(() => !/Reading/.test(document.getElementById('age')?.textContent ?? 'Reading'));
  await page.waitForLoadState('networkidle');
  return { page, origins, complaints, close: () => context.close() };
}
