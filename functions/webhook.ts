import '../lib/runtime/zod-without-jit.ts';
import type { FunctionContext } from '../lib/runtime/functiongraph/context.ts';
import type { ApigReply } from '../lib/runtime/functiongraph/events.ts';
import { functionParts } from '../lib/runtime/functiongraph/parts.ts';
import { createWebhook } from '../lib/runtime/handlers/webhook.ts';

const webhook = createWebhook(functionParts('webhook', import.meta.dirname, process.env));

/** FunctionGraph tells asynchronous handlers by their being native async functions. */
export async function handler(event: unknown, context: FunctionContext): Promise<ApigReply> {
  return await webhook(event, context);
}
