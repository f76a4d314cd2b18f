import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startLive } from '../../cli/dashboard/server.ts';
import type { FarmStatus } from '../../lib/app/status/schema.ts';
import { MINUTE } from '../../lib/core/time.ts';
import { farmObjects } from '../real/dashboard-data.ts';
import { builtPage, PICTURES, publishedSite, type Site, startBrowser, visit } from './browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const README_PICTURE = join(import.meta.dirname, '../../docs/dashboard.png');

let browser: Browser;
let site: Site;

beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), publishedSite(farmObjects(Date.now(), { gap: { from: 300, to: 240 } }))]);
});
afterAll(async () => {
  await browser?.close();
  await site?.sandbox.close();
});

async function open(options: BrowserContextOptions = {}, url = site.url) {
  const visited = await visit(browser, url, options);
  onTestFinished(() => visited.close());
  return visited;
}

async function emptySite(objects: ReadonlyMap<string, string> = new Map()): Promise<Site> {
  const other = await publishedSite(objects);
  onTestFinished(() => other.sandbox.close());
  return other;
}

/** How many different colours a chart has been painted with. */
const colours = (page: Page, id: string) =>
  page.evaluate((name) => {
    const canvas = document.querySelector<HTMLCanvasElement>(`#${name} canvas`);
    const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    const seen = new Set<number>();
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] === 255) seen.add(((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0));
    return seen.size;
  }, id);

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate<AxeResults>('axe.run()');
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
}

const plot = (page: Page, id: string) => page.locator(`#${id} .plot`);
const scrollsSideways = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** What has the focus, and whether that can be seen; of a radio button its label shows it. Runs in the page. */
function focused(): string {
  const { activeElement: at } = document;
  if (!at || at === document.body) return '';
  const shown = [at, ...(at instanceof HTMLInputElement ? [...(at.labels ?? [])] : [])].some((element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
  });
  return `${at.id || at.className || at.tagName.toLowerCase()}${shown ? '' : ' UNSEEN'}`;
}

describe('the dashboard in the bucket, in a browser', () => {
  it('loads, draws every chart, asks nobody else and complains of nothing', async () => {
    const { page, origins, complaints } = await open();
    expect(await page.title()).toContain('acme builds');
    for (const id of ['machines', 'jobs', 'wait']) expect(await colours(page, id), id).toBeGreaterThan(2);
    expect(await page.locator('#now').innerText()).toMatch(/Machines[\s\S]*Cost today[\s\S]*EUR/);
    expect(await page.locator('#workers tbody tr').count()).toBe(8);
    expect(await page.locator('#alarm-list li').count()).toBe(1);
    expect(await page.locator('#actions tbody tr').count()).toBe(12);
    expect([...origins]).toEqual([new URL(site.url).origin]);
    expect(complaints).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'day-light.png'), fullPage: true });
  });

  it('shows a gap as a gap: shaded, in the legend, and in words for whoever does not see it', async () => {
    const { page } = await open();
    expect(Number(await plot(page, 'machines').getAttribute('data-gaps'))).toBeGreaterThanOrEqual(60);
    expect(await page.locator('#machines .legend .gap').innerText()).toBe('not recorded');
    // Four and a half hours ago lies in the middle of it: pixels there are of the one colour of a gap, from the top to the bottom.
    const inGap = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('#machines canvas');
      const over = document.querySelector<HTMLElement>('#machines .u-over');
      if (!canvas || !over) return [];
      const scale = canvas.width / canvas.clientWidth;
      const x = Math.round((over.offsetLeft + over.clientWidth * (1 - 270 / 1440)) * scale);
      const { data } = canvas.getContext('2d')?.getImageData(x, over.offsetTop * scale + 4, 1, over.clientHeight * scale - 8) ?? {
        data: [],
      };
      const column = new Set<string>();
      for (let i = 0; i < data.length; i += 4) column.add([data[i], data[i + 1], data[i + 2]].join());
      return [...column];
    });
    expect(inGap.length).toBeGreaterThan(0);
    const outside = await colours(page, 'machines');
    // The ground's shade and the lines of the grid over it, nothing of the stack.
    expect(inGap.length).toBeLessThanOrEqual(2);
    expect(outside).toBeGreaterThan(inGap.length);
    await plot(page, 'machines').focus();
    for (let i = 0; i < 5; i += 1) await page.keyboard.press('PageDown');
    await expect.poll(() => plot(page, 'machines').getAttribute('aria-valuetext')).toMatch(/nothing recorded|busy/);
    const before = await plot(page, 'machines').getAttribute('aria-valuetext');
    let words = before ?? '';
    for (let i = 0; i < 120 && !words.includes('nothing recorded'); i += 1) {
      await page.keyboard.press('ArrowRight');
      words = (await plot(page, 'machines').getAttribute('aria-valuetext')) ?? '';
    }
    expect(words).toContain('nothing recorded');
  });

  it('filters by pool and by state, and keeps the view in its address', async () => {
    const { page } = await open();
    const limit = () => page.locator('#machines .legend li.limit b').innerText();
    expect(await limit()).toBe('27');
    await page.getByLabel('Pool').selectOption('tests');
    await expect.poll(limit).toBe('8');
    expect(await page.locator('#workers tbody tr').count()).toBe(2);
    expect(page.url()).toContain('pool=tests');
    await page.reload();
    await expect.poll(limit).toBe('8');
    await page.getByLabel('Pool').selectOption('');
    await page.locator('#phase').selectOption('failed');
    await expect.poll(() => page.locator('#workers tbody tr').count()).toBe(1);
  });

  it.each([
    ['Week', '168'],
    ['Month', '744'],
  ])('shows a %s by hours', async (label, steps) => {
    const { page, complaints } = await open();
    await page.getByText(label, { exact: true }).click();
    await expect.poll(() => plot(page, 'machines').getAttribute('data-steps')).toBe(steps);
    await page.waitForLoadState('networkidle');
    await expect.poll(async () => Number(await plot(page, 'machines').getAttribute('data-gaps'))).toBeLessThan(4);
    // Hours are means; what is called the most is that of a minute: a whole number.
    const most = () => page.locator('#machines .legend li.peak b').innerText();
    expect(await most()).toMatch(/^\d+$/);
    await page.locator('#machines summary').click();
    const column = await page.locator('#machines table td[data-label="At most"]').allInnerTexts();
    expect(column.filter((cell) => !/^\d+$/.test(cell))).toEqual([]);
    await page.locator('#machines summary').click();
    expect(complaints).toEqual([]);
    await page.screenshot({ path: join(PICTURES, `${label.toLowerCase()}-light.png`), fullPage: true });
  });

  it.each([
    ['light', {}],
    ['dark', {}],
    ['light', PHONE],
    ['dark', PHONE],
  ] as const)('is accessible in %s, %j', async (colorScheme, options) => {
    const { page } = await open({ colorScheme, ...options });
    await page.locator('#machines summary').click();
    await expect.poll(() => page.locator('#machines table tbody tr').count()).toBeGreaterThan(40);
    expect(await violations(page)).toEqual([]);
    const kind = 'isMobile' in options ? 'phone' : 'desk';
    await page.locator('#machines summary').click();
    await page.screenshot({ path: join(PICTURES, `${kind}-${colorScheme}.png`), fullPage: true });
  });

  it('changes its colours when told to, whatever the system has, and remembers', async () => {
    const { page } = await open({ colorScheme: 'light' });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByLabel('Colours').selectOption('dark');
    await expect.poll(ground).not.toBe(light);
    await page.reload();
    await expect.poll(ground).not.toBe(light);
  });

  it('fits a phone', async () => {
    const { page } = await open(PHONE);
    expect(await scrollsSideways(page)).toBe(false);
    expect(await page.locator('#machines canvas').evaluate((canvas) => canvas.clientWidth)).toBeLessThanOrEqual(390);
  });

  it('can be walked through by keyboard alone, and shows where one is', async () => {
    const { page } = await open();
    const walked: string[] = [];
    for (let i = 0; i < 40; i += 1) {
      await page.keyboard.press('Tab');
      const here = await page.evaluate(focused);
      if (here === '') break;
      walked.push(here);
    }
    expect(walked.filter((name) => name.endsWith('UNSEEN'))).toEqual([]);
    expect(walked).toEqual(expect.arrayContaining(['skip', 'span-day', 'pool', 'zone', 'theme', 'plot', 'summary', 'phase']));
    await page.locator('#span-day').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.url()).toContain('span=week');
  });

  it('shows times of the zone that is chosen', async () => {
    const { page } = await open();
    const age = page.locator('#age');
    expect(await age.innerText()).toContain('(Europe/Berlin)');
    await page.getByLabel('Times').selectOption('UTC');
    await expect.poll(() => age.innerText()).toContain('(UTC)');
  });

  it('says that nothing is recorded yet, and draws nothing, in a bucket without counts', async () => {
    const { url } = await emptySite();
    const { page, complaints } = await open({}, url);
    expect(await page.locator('#warning').innerText()).toContain('Nothing is recorded yet');
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('says what people have told the farm, beside the settings of the page', async () => {
    const key = 'counts/v1/farm.json';
    const objects = new Map(farmObjects(Date.now()));
    const since = new Date(Date.now() - 5 * MINUTE).toISOString();
    const controls = [
      { kind: 'pause', target: '_all', since },
      { kind: 'keep', target: 'bitbake-01k9p3v8qz', since, until: new Date(Date.now() + 60 * MINUTE).toISOString() },
    ];
    objects.set(key, JSON.stringify({ ...JSON.parse(objects.get(key) ?? '{}'), controls }));
    const { url } = await emptySite(objects);
    const { page, complaints } = await open({}, url);
    const said = await page.locator('#by-hand p').allInnerTexts();
    expect(said[0]).toMatch(/^Every pool is paused by hand since .*\d\.$/);
    expect(said[1]).toMatch(/^bitbake-01k9p3v8qz is kept by hand since .*, until .*\d\.$/);
    await page.getByLabel('Pool').selectOption('tests');
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it.each([
    ['time', (farm: FarmStatus) => ({ ...farm, time: 'x' })],
    ['time far ahead', (farm: FarmStatus) => ({ ...farm, time: '9999-12-31T23:59:59Z' })],
    ['times of an alarm', (farm: FarmStatus) => ({ ...farm, alarms: farm.alarms.map((alarm) => ({ ...alarm, since: 9e15, seen: 9e15 })) })],
    ['times of actions', (farm: FarmStatus) => ({ ...farm, actions: farm.actions.map((action) => ({ ...action, time: '' })) })],
    ['times of workers', (farm: FarmStatus) => ({ ...farm, workers: farm.workers.map((worker) => ({ ...worker, since: '2026-13-45' })) })],
    ['times of controls', (farm: FarmStatus) => ({ ...farm, controls: [{ kind: 'pause', target: '_all', since: '?', until: '?' }] })],
  ])('shows all the rest of a farm with a bad %s', async (_name, spoil) => {
    const key = 'counts/v1/farm.json';
    const objects = new Map(farmObjects(Date.now()));
    objects.set(key, JSON.stringify(spoil(JSON.parse(objects.get(key) ?? '{}'))));
    const { url } = await emptySite(objects);
    const { page, complaints } = await open({}, url);
    expect(complaints).toEqual([]);
    expect(await page.locator('#workers tbody tr').count()).toBe(8);
    expect(await page.locator('#actions tbody tr').count()).toBe(12);
    expect(await page.locator('#alarm-list li').count()).toBe(1);
    expect(await page.locator('#age').innerText()).toMatch(/^Recorded \d+ s ago/);
  });

  it('warns of old numbers', async () => {
    const { url } = await emptySite(farmObjects(Date.now() - 20 * MINUTE));
    const { page } = await open({}, url);
    expect(await page.locator('#warning').innerText()).toContain('Old numbers');
  });

  it('takes a farm of 300 workers and lines of an older farm, and no name for HTML', async () => {
    const objects = new Map(farmObjects(Date.now(), { workers: 300, columns: 9 }));
    const key = 'counts/v1/farm.json';
    const evil = '<img src=x onerror=document.title=1>';
    objects.set(key, (objects.get(key) ?? '').replace('"acme builds"', JSON.stringify(evil)).replace('"bitbake-01k9p3v8qz', `"${evil}`));
    const { url } = await emptySite(objects);
    const { page, complaints } = await open({}, url);
    expect(await page.locator('#title').innerText()).toBe(evil);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('#workers tbody tr').count()).toBe(40);
    await page.locator('#more-workers').click();
    expect(await page.locator('#workers tbody tr').count()).toBe(300);
    expect(await page.locator('#now').innerText()).toMatch(/Cost today\s+–\s+no price known/);
    expect(complaints).toEqual([]);
  });
});

describe('the dashboard served live', () => {
  it('shows what has come since, without being loaded again', async () => {
    const { store, fill } = await emptySite(farmObjects(Date.now() - MINUTE));
    const live = await startLive(await builtPage(), { store, port: 0, clock: { now: () => Date.now() }, everySeconds: 1 });
    onTestFinished(() => live.stop());
    const visited = await visit(browser, live.url);
    onTestFinished(() => visited.close());
    const { page, origins } = visited;
    expect(await page.locator('#workers tbody tr').count()).toBe(8);
    fill(farmObjects(Date.now(), { workers: 11 }));
    await expect.poll(() => page.locator('#workers tbody tr').count(), { timeout: 15_000 }).toBe(11);
    expect([...origins]).toEqual([new URL(live.url).origin]);
  });
});

it('draws the picture of the README', async () => {
  const { page } = await open({ viewport: { width: 1280, height: 1060 } });
  const drawn = await page.screenshot({ path: join(PICTURES, 'readme.png') });
  expect(drawn.length).toBeGreaterThan(50_000);
  // The one in the repository is renewed on request only: it would differ each time.
  if (process.env.UPDATE_PICTURE) writeFileSync(README_PICTURE, drawn);
});

it('has a picture in the README that is there and small', () => {
  expect(readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')).toContain('docs/dashboard.png');
  expect(statSync(README_PICTURE).size).toBeLessThan(200_000);
});
