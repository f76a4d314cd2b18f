import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';

/** Milliseconds of `performance.now`. */
export interface Exchange {
  readonly arrived: number;
  answered: number;
}

/** Requests that arrive at servers of this process on the given ports, from now on. */
export interface Exchanges {
  /**
   * How many answers were waited for one after the other between the two times (of `performance.now`): the longest row of exchanges of which
   * each was sent when the one before had been answered. Exchanges that were on their way at once count as one.
   */
  awaited(from: number, to: number): number;
  close(): void;
}

export function watchExchanges(ports: ReadonlySet<number>): Exchanges {
  const all: Exchange[] = [];
  const open = new WeakMap<IncomingMessage, Exchange>();
  const started = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    if (!ports.has(request.socket.localPort ?? 0)) return;
    const exchange = { arrived: performance.now(), answered: Number.POSITIVE_INFINITY };
    open.set(request, exchange);
    all.push(exchange);
  };
  const finished = (message: unknown) => {
    const exchange = open.get((message as { request: IncomingMessage }).request);
    if (exchange) exchange.answered = performance.now();
  };
  diagnostics.subscribe('http.server.request.start', started);
  diagnostics.subscribe('http.server.response.finish', finished);
  return {
    awaited: (from, to) => longestRow(all.filter(({ arrived, answered }) => arrived >= from && answered <= to)),
    close: () => {
      diagnostics.unsubscribe('http.server.request.start', started);
      diagnostics.unsubscribe('http.server.response.finish', finished);
    },
  };
}

/** Intervals that do not overlap, as many as can be: always the one that ends first. */
export function longestRow(exchanges: readonly Exchange[]): number {
  let count = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { arrived, answered } of exchanges.toSorted((a, b) => a.answered - b.answered)) {
    if (arrived < end) continue;
    count += 1;
    end = answered;
  }
  return count;
}
