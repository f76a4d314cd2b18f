import '../lib/runtime/without-jit.ts';
import type { ApigReply, FunctionContext } from '../lib/runtime/function-graph.ts';
import { functionParts } from '../lib/runtime/function-parts.ts';
import { createWebhook } from '../lib/runtime/webhook.ts';

const webhook = createWebhook(functionParts('webhook', import.meta.dirname, process.env));

/** FunctionGraph tells asynchronous handlers by their being native async functions. */
export async function handler(event: unknown, context: FunctionContext): Promise<ApigReply> {
  return await webhook(event, context);
}
