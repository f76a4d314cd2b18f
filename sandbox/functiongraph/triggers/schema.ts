import * as z from 'zod';
import { checked, Refused } from '../../otc/refused.ts';

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

export function readTrigger(body: unknown): TriggerOrder {
  const { trigger_type_code: type, trigger_status: status, event_data } = checked(Common, body, invalid('FSS.0400'));
  if (type === 'TIMER') return { type, status, data: checked(Timer, event_data, invalid('FSS.1109')) };
  return { type, status, data: checked(Api, event_data, invalid('FSS.1107')) };
}

export function readTriggerUpdate(body: unknown): Status {
  return checked(Update, body, invalid('FSS.0400')).trigger_status;
}

function invalid(code: string): (text: string) => Refused {
  return (text) => new Refused(400, code, `Invalid trigger. ${text}`);
}
