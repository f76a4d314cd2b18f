import * as z from 'zod';
import { checked, Refused } from '../refused.ts';

/* Custom policies of IAM (OTC IAM API reference, "Creating a Custom Policy for Cloud Services"; user guide, "Syntax of Policies"). */

/** Services without projects. Their actions stand in policies of the account, those of all others in policies of a project. */
const GLOBAL = new Set(['obs', 'iam']);

const Action = z.string().regex(/^([a-z][a-z0-9]*):([A-Za-z0-9]+\*?|\*):([A-Za-z0-9]+\*?|\*)$/, 'service:type:operation');
const Statement = z.strictObject({
  Effect: z.enum(['Allow', 'Deny']),
  Action: z.array(Action).min(1).max(100),
  Resource: z
    .array(z.string().regex(/^[A-Za-z]+:[^:]*:[^:]*:[^:]+:.+$/, 'service:region:account:type:path'))
    .min(1)
    .max(20)
    .optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.array(z.string()))).optional(),
});
const Role = z.strictObject({
  display_name: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[\w .,-]+$/),
  type: z.enum(['AX', 'XA']),
  description: z.string().max(256),
  description_cn: z.string().optional(),
  policy: z.strictObject({ Version: z.literal('1.1'), Statement: z.array(Statement).min(1).max(8) }),
});
const Body = z.strictObject({ role: Role });

export type PolicyRole = z.infer<typeof Role>;
type Statement = z.infer<typeof Statement>;

export function readRole(body: unknown): PolicyRole {
  const { role } = checked(Body, body, (text) => new Refused(400, 'Bad Request', text));
  const wrong = role.policy.Statement.flatMap((s) => s.Action).find((action) => isGlobal(action) !== (role.type === 'AX'));
  if (wrong === undefined) return role;
  const kind = role.type === 'AX' ? 'a global service' : 'a service with projects';
  throw new Refused(400, 'Bad Request', `A policy of type ${role.type} takes only actions of ${kind}: ${wrong}`);
}

export function isGlobal(action: string): boolean {
  return GLOBAL.has(action.split(':')[0] ?? '');
}

export interface Wish {
  readonly action: string;
  /** e.g. `obs:*:*:object:bucket/key`; absent for calls on nothing in particular. */
  readonly resource?: string;
}

/** Allowed by one statement and denied by none. */
export function permits(roles: readonly PolicyRole[], wish: Wish): boolean {
  const holding = roles.flatMap((role) => role.policy.Statement).filter((statement) => applies(statement, wish));
  return holding.some((s) => s.Effect === 'Allow') && holding.every((s) => s.Effect !== 'Deny');
}

/** A statement with a condition is one that the sandbox cannot judge: it allows nothing and denies all that it names. */
function applies({ Effect, Action: actions, Resource, Condition }: Statement, { action, resource }: Wish): boolean {
  if (!actions.some((pattern) => matches(pattern, action))) return false;
  if (Condition && Effect === 'Allow') return false;
  if (!Resource) return true;
  return resource !== undefined && Resource.some((pattern) => matches(pattern, resource, true));
}

/** Case matters in names of resources, not in types and operations. */
function matches(pattern: string, text: string, exact = false): boolean {
  const [p, t] = exact ? [lowerKind(pattern), lowerKind(text)] : [pattern.toLowerCase(), text.toLowerCase()];
  const source = p.replace(/[.+^${}()|[\]\\?]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${source}$`, 's').test(t);
}

function lowerKind(resource: string): string {
  const colon = resource.indexOf(':');
  return resource.slice(0, colon).toLowerCase() + resource.slice(colon);
}
