import type { SandboxContext } from '../../context.ts';
import { Ids } from '../ids.ts';
import { Refused } from '../refused.ts';
import { isGlobal, type PolicyRole, permits, type Wish } from './policy.ts';

export interface Agency {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly trustedDomain: string;
  readonly duration: string | null;
  readonly createdAt: number;
  /** Ids of roles that hold in the project. */
  readonly onProject: Set<string>;
  /** Ids of roles that hold for services without projects. */
  readonly onDomain: Set<string>;
}

export interface Role extends PolicyRole {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}

/** Whom FunctionGraph's functions act for (FunctionGraph user guide, "Configuring Agency Permissions"). */
export const FUNCTION_DOMAIN = 'op_svc_cff';

export type Scope = 'project' | 'domain';

/** Agencies, custom policies, and which agency has which. */
export class Agencies {
  readonly agencies = new Map<string, Agency>();
  readonly roles = new Map<string, Role>();
  readonly #ctx: SandboxContext;
  readonly #ids = new Ids('agency');

  constructor(ctx: SandboxContext) {
    this.#ctx = ctx;
  }

  byName(name: string): Agency | undefined {
    return [...this.agencies.values()].find((a) => a.name === name);
  }

  create(order: Pick<Agency, 'name' | 'description' | 'trustedDomain' | 'duration'>): Agency {
    if (this.byName(order.name)) throw new Refused(409, 'Conflict', 'The agency already exists.');
    const agency = {
      ...order,
      id: this.#ids.hex(32),
      createdAt: this.#ctx.clock.now(),
      onProject: new Set<string>(),
      onDomain: new Set<string>(),
    };
    this.agencies.set(agency.id, agency);
    return agency;
  }

  createRole(role: PolicyRole): Role {
    if (this.#named(role.display_name)) throw new Refused(409, 'Conflict', 'The name of the policy is in use.');
    const id = this.#ids.hex(32);
    const made = { ...role, id, name: `custom_sandbox_${this.roles.size}`, createdAt: this.#ctx.clock.now() };
    this.roles.set(id, made);
    return made;
  }

  updateRole(old: Role, role: PolicyRole): Role {
    const named = this.#named(role.display_name);
    if (named && named.id !== old.id) throw new Refused(409, 'Conflict', 'The name of the policy is in use.');
    if (role.type !== old.type) throw new Refused(400, 'Bad Request', 'type: a policy keeps its display mode');
    const changed = { ...old, ...role };
    this.roles.set(old.id, changed);
    return changed;
  }

  /** Also revokes it everywhere. */
  deleteRole(id: string): boolean {
    for (const agency of this.agencies.values()) {
      agency.onProject.delete(id);
      agency.onDomain.delete(id);
    }
    return this.roles.delete(id);
  }

  granted(agency: Agency, scope: Scope): Set<string> {
    return scope === 'project' ? agency.onProject : agency.onDomain;
  }

  /** Whether the agency of that name may do it: by what is granted at this moment. */
  may(agencyName: string, wish: Wish): boolean {
    const agency = this.byName(agencyName);
    if (!agency) return false;
    const ids = this.granted(agency, isGlobal(wish.action) ? 'domain' : 'project');
    return permits(
      [...ids].flatMap((id) => this.roles.get(id) ?? []),
      wish,
    );
  }

  #named(displayName: string): Role | undefined {
    return [...this.roles.values()].find((r) => r.display_name === displayName);
  }
}
