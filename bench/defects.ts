import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Build } from './build.ts';
import { type ChildResult, runChild } from './child.ts';
import { pendingEvents } from './events.ts';
import type { Row, Section } from './row.ts';
import { startStub, webhookSettings } from './stub.ts';

/** What the peer was seen to get wrong, done to ours. */
export async function defects(build: Build): Promise<Section> {
  const stub = await startStub();
  try {
    const settings = await webhookSettings(build, stub);
    const { env, userData, path } = settings;
    const run = (batches: Parameters<typeof runChild>[0]['batches'], environment = env) =>
      runChild({ module: build.bundles.webhook, env: environment, userData, batches: batches ?? [] });

    const together = await run([{ events: pendingEvents(3), atOnce: 3 }]);
    const [signed = {}] = pendingEvents(1);
    const unsigned = await run([{ events: [without(signed, 'webhook-signature')], atOnce: 1 }]);
    const tampered = await run([{ events: [{ ...signed, body: Buffer.from('{"object_kind":"build"}').toString('base64') }], atOnce: 1 }]);
    const late = join(build.bundles.folder, 'late.json');
    rmSync(late, { force: true });
    const failedStart = await run(
      [
        { events: [signed], atOnce: 1 },
        { events: [signed], atOnce: 1, copy: [path, late] },
      ],
      { SCALER_CONFIG: late },
    );
    return {
      name: 'defects of the peer',
      rows: [
        row(
          'three simultaneous first events: how many are accepted',
          statuses(together).filter((s) => s === 200).length,
          3,
          'peer: one 201 and two 500',
        ),
        row('missing signature: status', statuses(unsigned)[0], 401, 'peer: 500'),
        row('tampered body: status', statuses(tampered)[0], 401),
        // Authentic all the same: GitLab would disable the hook for other answers, and the timer serves the job.
        row('no configuration at the first event: status', statuses(failedStart)[0], 200),
        row(
          'the next event, with configuration: status',
          statuses(failedStart)[1],
          200,
          'peer: 202 "not accepted", and the job is lost in silence',
        ),
        row('wake-ups that arrived', stub.calls(), 4),
      ],
    };
  } finally {
    stub.close();
  }
}

function row(what: string, value: number | undefined, expected: number, note?: string): Row {
  return {
    what,
    value: value ?? Number.NaN,
    unit: '',
    against: { kind: 'exactly', value: expected },
    must: true,
    ...(note ? { note } : {}),
  };
}

function statuses({ batches }: ChildResult): readonly (number | undefined)[] {
  return batches.flatMap(({ replies }) => replies.map(({ statusCode }) => statusCode));
}

function without(event: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const headers = typeof event.headers === 'object' && event.headers !== null ? event.headers : {};
  return { ...event, headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) };
}
