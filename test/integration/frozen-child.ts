/** Two calls of a function, the second one begun by a timer: one POST each, with the connections of that call. */

import { callAgents } from '../../lib/http/agents.ts';
import { send } from '../../lib/http/client.ts';

const [url = '', gapMs = '0'] = process.argv.slice(2);

async function call(): Promise<string> {
  const { agents, close } = callAgents();
  try {
    const { status } = await send({
      name: 'test',
      method: 'POST',
      url,
      body: Buffer.from('{}'),
      headers: () => ({ 'content-type': 'application/json' }),
      pausesMs: [],
      deadlineMs: 10_000,
      maxBytes: 1_000,
      agents,
    });
    return String(status);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    close();
  }
}

const first = await call();
process.send?.({ first });
setTimeout(async () => {
  process.send?.({ second: await call() }, () => process.exit(0));
}, Number(gapMs));
