import type { SandboxRequest } from '../../http.ts';
import { type AccessToken, isBelow } from '../model.ts';
import { groupFor, message, projectFor, requireToken } from './access.ts';
import type { Part } from './jobs.ts';

/** The caller and its rights (lib/api/personal_access_tokens/self_information.rb, lib/api/members.rb, lib/api/users.rb). */
export function peopleRoutes({ app, gitlab, fault }: Part): void {
  // Any scope will do: a token may always look at itself.
  app.get('/api/v4/personal_access_tokens/self', fault('gitlab.token'), (c) => {
    const token = requireToken(c, gitlab, ['read_api', 'read_user', 'create_runner', 'manage_runner', 'self_rotate']);
    return c.json({
      id: token.user.id,
      name: 'scaler',
      revoked: false,
      active: true,
      scopes: token.scopes,
      user_id: token.user.id,
      expires_at: token.expiresOn ?? null,
    });
  });

  app.get('/api/v4/user', fault('gitlab.user'), (c) => {
    const { user, admin } = requireToken(c, gitlab, ['read_api', 'read_user']);
    // The member is absent for everybody else.
    return c.json({ ...user, state: 'active', ...(admin ? { is_admin: true } : {}) });
  });

  app.get('/api/v4/groups/:id/members/all/:user', fault('gitlab.member'), (c) => {
    const token = requireToken(c, gitlab, ['read_api']);
    return c.json(memberOf(c, groupFor(gitlab, token, c.req.param('id'), 10).path, gitlab.tokens.values()));
  });

  app.get('/api/v4/projects/:id/members/all/:user', fault('gitlab.member'), (c) => {
    const token = requireToken(c, gitlab, ['read_api']);
    return c.json(memberOf(c, projectFor(gitlab, token, c.req.param('id'), 10).path, gitlab.tokens.values()));
  });
}

/** The highest membership here or above; being an administrator is not a membership. */
function memberOf(c: SandboxRequest, path: string, tokens: Iterable<AccessToken>): Readonly<Record<string, unknown>> {
  const id = Number(c.req.param('user'));
  const token = [...tokens].find(({ user }) => user.id === id);
  const roles = [...(token?.roles ?? [])].filter(([place]) => isBelow(path, place)).map(([, role]) => role);
  if (!token || roles.length === 0) throw message(404, 'Not found');
  return { ...token.user, state: 'active', access_level: Math.max(...roles), expires_at: null };
}
