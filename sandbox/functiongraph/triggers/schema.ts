import * as z from 'zod';
import { firstIssue, Refused } from '../../otc/refused.ts';

/* What a trigger is made of (FunctionGraph API reference, "Creating a Trigger", "Updating a Trigger"). */

const Timer = z.strictObject({
  name: z.string().regex(/^[A-Za-z][\w-]{0,63}$/),
  schedule_type: z.enum(['Rate', 'Cron']),
  schedule: z.string(),
  user_event: z.string().max(2048).default(''),
});
const Api = z.strictObject({
  instance_id: z.string(),
  group_id: z.string(),
  group_name: z.string().optional(),
  sl_domain: z.string().optional(),
  env_id: z.literal('DEFAULT_ENVIRONMENT_RELEASE_ID'),
  env_name: z.literal('RELEASE'),
  name: z.string().regex(/^[A-Za-z]\w{2,63}$/),
  path: z.string().regex(/^\/[\w%.*/{}-]{0,511}$/),
  protocol: z.enum(['HTTP', 'HTTPS', 'BOTH']),
  req_method: z.enum(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'ANY']),
  match_mode: z.enum(['NORMAL', 'SWA']),
  auth: z.enum(['NONE', 'APP', 'IAM']),
  type: z.union([z.literal(1), z.literal(2)]),
  backend_type: z.literal('FUNCTION'),
  func_info: z.strictObject({
    function_urn: z.string().optional(),
    timeout: z.number().int().min(1).max(60_000),
    invocation_type: z.enum(['sync', 'async']).default('sync'),
    version: z.literal('latest').default('latest'),
  }),
});
const Common = z.strictObject({
  trigger_type_code: z.enum(['TIMER', 'DEDICATEDGATEWAY']),
  trigger_status: z.enum(['ACTIVE', 'DISABLED']).default('ACTIVE'),
  event_type_code: z.string().optional(),
  event_data: z.unknown(),
});
const Update = z.strictObject({ trigger_status: z.enum(['ACTIVE', 'DISABLED']) });

export type TimerData = z.infer<typeof Timer>;
export type ApiData = z.infer<typeof Api>;
type Status = 'ACTIVE' | 'DISABLED';
export type TriggerOrder =
  | { readonly type: 'TIMER'; readonly status: Status; readonly data: TimerData }
  | { readonly type: 'DEDICATEDGATEWAY'; readonly status: Status; readonly data: ApiData };

export function readTrigger(body: unknown): TriggerOrder | Refused {
  const common = Common.safeParse(body);
  if (!common.success) return invalid(common.error, 'FSS.0400');
  const { trigger_type_code: type, trigger_status: status, event_data } = common.data;
  if (type === 'TIMER') {
    const data = Timer.safeParse(event_data);
    return data.success ? { type, status, data: data.data } : invalid(data.error, 'FSS.1109');
  }
  const data = Api.safeParse(event_data);
  return data.success ? { type, status, data: data.data } : invalid(data.error, 'FSS.1107');
}

export function readTriggerUpdate(body: unknown): Status | Refused {
  const parsed = Update.safeParse(body);
  return parsed.success ? parsed.data.trigger_status : invalid(parsed.error, 'FSS.0400');
}

function invalid(error: z.ZodError, code: string): Refused {
  return new Refused(400, code, `Invalid trigger. ${firstIssue(error).text}`);
}
