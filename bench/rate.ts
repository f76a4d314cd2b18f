import type { Build } from './build.ts';
import { type ChildResult, runChild } from './child.ts';
import { pendingEvents } from './events.ts';
import { PEER } from './peer.ts';
import type { Row, Section } from './row.ts';
import { median, quantile } from './statistics.ts';
import { startStub, webhookSettings } from './stub.ts';

const TWICE = 2;
const AT_ONCE = 50;
const ROUNDS = 3;
const WARM_UP = 'how warm the peer was when it was measured is not known';

/** Signed hooks of pending jobs through the built webhook, each with its wake-up to a stub in another process. */
export async function rate(build: Build, quick: boolean): Promise<Section> {
  const count = quick ? 1000 : 2000;
  const stub = await startStub();
  try {
    const { env, userData } = await webhookSettings(build, stub);
    const events = pendingEvents(count);
    const round = [
      { events, atOnce: 1 },
      { events, atOnce: AT_ONCE },
    ];
    // Node.js compiles what runs often and is half as fast until then, ours as any other's: one round before the clock starts.
    const batches = [...round, ...Array.from({ length: ROUNDS }, () => round).flat()];
    const { batches: all } = await runChild({ module: build.bundles.webhook, env, userData, batches });
    const measured = all.slice(round.length);
    const accepted = all.flatMap(({ replies }) => replies).filter(({ statusCode }) => statusCode === 200).length;
    const sent = batches.length * count;
    return {
      name: `accepted events, ${count} signed pending hooks, median of ${ROUNDS} rounds`,
      rows: [
        perSecond(
          'one after the other',
          measured.filter((_, i) => i % 2 === 0),
          PEER.accepted.sequentialPerSecond,
        ),
        perSecond(
          `${AT_ONCE} at once`,
          measured.filter((_, i) => i % 2 === 1),
          PEER.accepted.concurrentPerSecond,
        ),
        {
          ...perSecond('in a new process, one after the other', all.slice(0, 1), PEER.accepted.sequentialPerSecond),
          against: { kind: 'peer', value: PEER.accepted.sequentialPerSecond },
          note: WARM_UP,
        },
        { what: 'answered with 200', value: accepted, unit: '', against: { kind: 'exactly', value: sent }, must: true },
        { what: 'wake-ups that arrived', value: stub.calls(), unit: '', against: { kind: 'exactly', value: sent }, must: true },
      ],
    };
  } finally {
    stub.close();
  }
}

function perSecond(what: string, batches: ChildResult['batches'], peer: number): Row {
  const times = batches.flatMap((batch) => batch.times);
  return {
    what: `${what} (p50 ${quantile(times, 0.5).toFixed(2)}, p99 ${quantile(times, 0.99).toFixed(2)} ms)`,
    value: median(batches.map((batch) => (batch.times.length / batch.ms) * 1000)),
    unit: '/s',
    against: { kind: 'peer', value: peer, least: TWICE },
    must: false,
  };
}
