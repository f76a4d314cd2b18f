import type { Hono } from 'hono';
import * as z from 'zod';
import type { FaultLayer, SandboxEnv, SandboxRequest } from '../../http.ts';
import { Refused } from '../refused.ts';
import type { Apig } from './apig.ts';
import type { ApiDomain, ApiGroup, ApigCalls } from './types.ts';

const DomainBody = z.strictObject({
  url_domain: z
    .string()
    .max(255)
    .regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/, 'a domain name in lower case'),
  min_ssl_version: z.enum(['TLSv1.1', 'TLSv1.2']).optional(),
  is_http_redirect_to_https: z.boolean().optional(),
});
const CertificateBody = z.strictObject({
  name: z.string().regex(/^[A-Za-z]\w{3,49}$/, '4 to 50 letters, digits and _, a letter first'),
  cert_content: z.string().max(8092),
  private_key: z.string().max(8092),
});

const ROOT = '/v2/:project/apigw/instances/:instance/api-groups/:group/domains';

/** Domains of groups and their certificates (OTC APIG API reference, "Domain Name Management"). */
export function mountDomains(app: Hono<SandboxEnv>, operation: FaultLayer, { say, refuse, body, group }: ApigCalls, apig: Apig): void {
  const domain = (c: SandboxRequest): { readonly group: ApiGroup; readonly domain: ApiDomain } | Response => {
    const found = group(c);
    if (found instanceof Response) return found;
    const own = found.domains.get(c.req.param('domain') ?? '');
    return own ? { group: found, domain: own } : refuse(new Refused(404, 'APIG.3009', 'The domain name does not exist'));
  };

  app.post(ROOT, operation('apig.domain-bind'), async (c) => {
    const found = group(c);
    if (found instanceof Response) return found;
    const order = await body(c, DomainBody);
    if (order instanceof Response) return order;
    const bound = apig.bindDomain(found, order.url_domain);
    if (bound instanceof Refused) return refuse(bound);
    const { id, name } = bound;
    return say.json({ id, url_domain: name, status: 3, min_ssl_version: order.min_ssl_version ?? 'TLSv1.1' }, 201);
  });

  app.delete(`${ROOT}/:domain`, operation('apig.domain-unbind'), (c) => {
    const found = domain(c);
    if (found instanceof Response) return found;
    found.group.domains.delete(found.domain.id);
    return say.empty(204);
  });

  app.post(`${ROOT}/:domain/certificate`, operation('apig.certificate-bind'), async (c) => {
    const found = domain(c);
    if (found instanceof Response) return found;
    const order = await body(c, CertificateBody);
    if (order instanceof Response) return order;
    const bound = apig.bindCertificate(found.domain, order.name, order.cert_content, order.private_key);
    if (bound instanceof Refused) return refuse(bound);
    const { id, name } = found.domain;
    return say.json({ id, url_domain: name, status: 3, ssl_id: bound.id, ssl_name: bound.name, min_ssl_version: 'TLSv1.1' }, 201);
  });

  app.delete(`${ROOT}/:domain/certificate/:certificate`, operation('apig.certificate-unbind'), (c) => {
    const found = domain(c);
    if (found instanceof Response) return found;
    if (found.domain.certificate?.id !== c.req.param('certificate')) {
      return refuse(new Refused(404, 'APIG.3011', 'The certificate does not exist'));
    }
    found.domain.certificate = undefined;
    return say.empty(204);
  });
}
