import type { SandboxClock } from '../clock.ts';
import type { AccessToken, Group, Project, Role } from './model.ts';
import { type Random, randomText } from './random.ts';

export interface TokenSpec {
  /** The token itself; made up when not given. */
  readonly value?: string;
  readonly scopes: readonly string[];
  readonly admin?: boolean;
  /** Path of a group or project → role: 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner. */
  readonly roles?: Readonly<Record<string, Role>>;
  /** A day, such as 2026-12-31; never when absent. */
  readonly expiresOn?: string;
}

/** Groups, projects and the roles in them. */
export class Directory {
  readonly groups = new Map<string, Group>();
  readonly projects = new Map<number, Project>();
  readonly tokens = new Map<string, AccessToken>();
  readonly #clock: SandboxClock;
  readonly #random: Random;
  #nextId = 41;

  constructor(clock: SandboxClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Makes the group and those above it. A group that exists is given back. */
  createGroup(path: string): Group {
    const known = this.groups.get(path);
    if (known) return known;
    const parent = path.lastIndexOf('/');
    if (parent > 0) this.createGroup(path.slice(0, parent));
    const group: Group = { id: this.nextId(), path };
    this.groups.set(path, group);
    return group;
  }

  /** Makes the project and its groups. A project that exists is given back. */
  createProject(path: string): Project {
    const known = this.findProject(path);
    if (known) return known;
    this.createGroup(path.slice(0, path.lastIndexOf('/')));
    const project: Project = {
      id: this.nextId(),
      path,
      createdAt: this.#clock.now(),
      groupRunnersEnabled: true,
      instanceRunnersEnabled: true,
      buildsEnabled: true,
      pipelines: [],
    };
    this.projects.set(project.id, project);
    return project;
  }

  /** By numeric id or full path. */
  findProject(key: number | string): Project | undefined {
    const byId = this.projects.get(Number(key));
    if (byId) return byId;
    for (const project of this.projects.values()) if (project.path === key) return project;
    return undefined;
  }

  findGroup(key: number | string): Group | undefined {
    for (const group of this.groups.values()) if (group.path === key || group.id === Number(key)) return group;
    return undefined;
  }

  createToken(spec: TokenSpec): AccessToken {
    const id = this.nextId();
    const token: AccessToken = {
      value: spec.value ?? `glpat-${randomText(this.#random, 20)}`,
      user: { id, username: `bot_${id}`, name: `Bot ${id}` },
      scopes: spec.scopes,
      admin: spec.admin ?? false,
      roles: new Map(Object.entries(spec.roles ?? {})),
      expiresOn: spec.expiresOn,
      revoked: false,
    };
    this.tokens.set(token.value, token);
    return token;
  }

  /** Everything but jobs, pipelines and deliveries shares one row of numbers. */
  protected nextId(): number {
    return this.#nextId++;
  }
}
