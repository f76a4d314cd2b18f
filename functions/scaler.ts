import '../lib/runtime/without-jit.ts';
import type { FunctionContext } from '../lib/runtime/function-graph.ts';
import { functionParts } from '../lib/runtime/function-parts.ts';
import type { PassReply } from '../lib/runtime/pass-function.ts';
import { createScaler } from '../lib/runtime/scaler.ts';

const scaler = createScaler(functionParts('scaler', import.meta.dirname, process.env));

/** FunctionGraph tells asynchronous handlers by their being native async functions. */
export async function handler(event: unknown, context: FunctionContext): Promise<PassReply> {
  return await scaler(event, context);
}
