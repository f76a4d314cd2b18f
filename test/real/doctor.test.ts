import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeAppend } from '../../lib/app/doctor/checks/probe.ts';
import { Obs } from '../../lib/otc/obs/client.ts';
import { KEYS, type RadosGw, startRadosGw } from './radosgw.ts';

const BUCKET = 'scaler-probe';

let gateway: RadosGw;
const store = (scheme: 'aws' | 'obs') =>
  new Obs({ endpoint: gateway.url, bucket: BUCKET, credentials: KEYS, clock: { now: () => Date.now() }, scheme, backoffMs: 20 });

beforeAll(async () => {
  gateway = await startRadosGw(BUCKET);
});
afterAll(async () => {
  await gateway?.stop();
});

describe('the probe of appending, against a real S3 server', () => {
  it('finds that it appends as the farm needs it, and leaves nothing behind', async () => {
    expect(await probeAppend(store('aws'), 'one', {})).toEqual({ left: [] });
    expect(await store('aws').list('probe/')).toEqual([]);
  });

  it('does not take a server for one that appends when it refuses the dialect', async () => {
    const outcome = await probeAppend(store('obs'), 'two', {}).catch((failure: unknown) => failure);
    expect(outcome).not.toEqual({ left: [] });
    expect(await store('aws').list('probe/')).toEqual([]);
  });
});
