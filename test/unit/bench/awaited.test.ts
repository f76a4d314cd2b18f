import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { longestRow, watchExchanges } from '../../../bench/awaited.ts';

const exchanges = (...times: readonly (readonly [arrived: number, answered: number])[]) =>
  times.map(([arrived, answered]) => ({ arrived, answered }));

describe('answers that were awaited one after the other', () => {
  it.each([
    { name: 'none', given: exchanges(), row: 0 },
    { name: 'one', given: exchanges([0, 50]), row: 1 },
    { name: 'three in turn', given: exchanges([0, 50], [51, 101], [102, 152]), row: 3 },
    { name: 'three at once', given: exchanges([0, 50], [1, 51], [2, 52]), row: 1 },
    { name: 'two beside a slow one', given: exchanges([0, 200], [0, 50], [60, 110]), row: 2 },
    { name: 'in any order of arrival', given: exchanges([102, 152], [0, 50], [51, 101]), row: 3 },
    { name: 'one that has no answer yet beside one that has', given: exchanges([0, Number.POSITIVE_INFINITY], [0, 50]), row: 1 },
  ])('$name: $row', ({ given, row }) => expect(longestRow(given)).toBe(row));

  it('are seen at the ports that are watched, and between the two times only', async () => {
    const [watched, other] = [await serve(), await serve()];
    const seen = watchExchanges(new Set([watched]));
    onTestFinished(seen.close);
    await get(watched);
    const from = performance.now();
    await get(watched);
    await get(other);
    await Promise.all([get(watched), get(watched)]);
    const to = performance.now();
    await get(watched);
    expect(seen.awaited(from, to)).toBe(2);
  });
});

/** Answers late enough for two requests to be on their way at once. */
async function serve(): Promise<number> {
  const server = createServer((_, response) => setTimeout(() => response.end(), 30));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Ends when the server has noticed that its answer was sent, too. */
async function get(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request({ port, host: '127.0.0.1' }, (response) => response.resume().once('end', resolve))
      .once('error', reject)
      .end();
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
}
