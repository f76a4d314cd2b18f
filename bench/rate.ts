import type { Bundles } from './bundles.ts';
import { runChild } from './child.ts';
import { pendingEvents } from './events.ts';
import { PEER } from './peer.ts';
import type { Row, Section } from './row.ts';
import { quantile } from './statistics.ts';
import { startStub, webhookSettings } from './stub.ts';

const TWICE = 2;
const AT_ONCE = 50;

/** Signed hooks of pending jobs through the built webhook, each with its wake-up to a stub in another process. */
export async function rate(bundles: Bundles, quick: boolean): Promise<Section> {
  const count = quick ? 1000 : 2000;
  const stub = await startStub();
  try {
    const { env, userData } = webhookSettings(bundles.folder, stub);
    const [warmUp, sequential, concurrent] = [pendingEvents(200), pendingEvents(count), pendingEvents(count)];
    const { batches } = await runChild({
      module: bundles.webhook,
      env,
      userData,
      batches: [
        { events: warmUp, atOnce: 1 },
        { events: sequential, atOnce: 1 },
        { events: concurrent, atOnce: AT_ONCE },
      ],
    });
    const [, one, many] = batches;
    if (!one || !many) throw new Error('a batch is missing');
    const sent = warmUp.length + 2 * count;
    const accepted = batches.flatMap(({ replies }) => replies).filter(({ statusCode }) => statusCode === 200).length;
    return {
      name: `accepted events, ${count} signed pending hooks`,
      rows: [
        perSecond(
          `one after the other (p50 ${shown(one.times, 0.5)}, p99 ${shown(one.times, 0.99)} ms)`,
          count,
          one.ms,
          PEER.accepted.sequentialPerSecond,
        ),
        perSecond(
          `${AT_ONCE} at once (p50 ${shown(many.times, 0.5)}, p99 ${shown(many.times, 0.99)} ms)`,
          count,
          many.ms,
          PEER.accepted.concurrentPerSecond,
        ),
        { what: 'answered with 200', value: accepted, unit: '', against: { kind: 'exactly', value: sent }, must: true },
        { what: 'wake-ups that arrived', value: stub.calls(), unit: '', against: { kind: 'exactly', value: sent }, must: true },
      ],
    };
  } finally {
    stub.close();
  }
}

function perSecond(what: string, count: number, ms: number, peer: number): Row {
  return { what, value: (count / ms) * 1000, unit: '/s', against: { kind: 'peer', value: peer, least: TWICE }, must: false };
}

function shown(times: readonly number[], share: number): string {
  return quantile(times, share).toFixed(2);
}
