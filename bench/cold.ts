import { defined } from '../lib/core/defined.ts';
import type { Build } from './build.ts';
import { type ChildResult, runChild } from './child.ts';
import { pendingEvents } from './events.ts';
import { PEER } from './peer.ts';
import type { Row, Section } from './row.ts';
import { median, smallest } from './statistics.ts';
import { startStub, webhookSettings } from './stub.ts';

const HALF = 0.5;
const MIB = 1024 * 1024;

/** Fresh processes, one after the other: what the first event of a new instance waits for. */
export async function cold(build: Build, quick: boolean): Promise<Section> {
  const times = quick ? 7 : 20;
  const stub = await startStub();
  try {
    const { env, userData } = await webhookSettings(build, stub);
    const events = pendingEvents(1);
    const empty = await repeat(times, () => runChild({ module: build.bundles.empty }));
    const webhook = await repeat(times, () => runChild({ module: build.bundles.webhook, env, userData, batches: [{ events, atOnce: 1 }] }));
    const scaler = await repeat(times, () => runChild({ module: build.bundles.scaler }));
    const reaper = await repeat(times, () => runChild({ module: build.bundles.reaper }));
    return {
      name: `cold start, ${times} processes each`,
      rows: [
        time('empty module, import', empty.map(loadMs), PEER.webhook.emptyMs),
        time(
          'empty module, whole process',
          empty.map(({ wallMs }) => wallMs),
          PEER.webhook.emptyWallMs,
        ),
        time('webhook, import', webhook.map(loadMs), PEER.webhook.importMs, HALF),
        time(
          'webhook, import and first accepted event',
          webhook.map(({ firstBatchMs }) => firstBatchMs),
          PEER.webhook.firstEventMs,
          HALF,
        ),
        time('scaler, import', scaler.map(loadMs), PEER.controlPlane.importMs, HALF),
        time('reaper, import', reaper.map(loadMs), PEER.controlPlane.importMs, HALF),
        {
          what: 'webhook, process after the import',
          value: (median(webhook.map(({ rssLoaded }) => rssLoaded)) / MIB) * 1.048576,
          unit: 'MB',
          against: { kind: 'peer', value: PEER.webhook.importMib * 1.048576 },
          must: false,
        },
        {
          what: 'first events that were accepted',
          value: accepted(webhook),
          unit: '',
          against: { kind: 'exactly', value: times },
          must: true,
        },
        { what: 'wake-ups that arrived', value: stub.calls(), unit: '', against: { kind: 'exactly', value: times }, must: true },
      ],
    };
  } finally {
    stub.close();
  }
}

function time(what: string, values: readonly number[], peer: number, most?: number): Row {
  return {
    what: `${what} (min ${smallest(values).toFixed(1)})`,
    value: median(values),
    unit: 'ms',
    against: { kind: 'peer', value: peer, ...defined({ most }) },
    must: false,
  };
}

function loadMs(result: ChildResult): number {
  return result.loadMs;
}

function accepted(results: readonly ChildResult[]): number {
  return results.filter(({ batches }) => batches[0]?.replies[0]?.statusCode === 200).length;
}

async function repeat<T>(times: number, work: () => Promise<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for (let i = 0; i < times; i += 1) all.push(await work());
  return all;
}
