import '../lib/runtime/zod-without-jit.ts';
import type { FunctionContext } from '../lib/runtime/functiongraph/context.ts';
import { functionParts } from '../lib/runtime/functiongraph/parts.ts';
import type { PassReply } from '../lib/runtime/handlers/pass-function.ts';
import { createReaper } from '../lib/runtime/handlers/reaper.ts';

const reaper = createReaper(functionParts('reaper', import.meta.dirname, process.env));

/** FunctionGraph tells asynchronous handlers by their being native async functions. */
export async function handler(event: unknown, context: FunctionContext): Promise<PassReply> {
  return await reaper(event, context);
}
