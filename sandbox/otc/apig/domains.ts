import * as z from 'zod';
import { jsonOf, type SandboxRequest } from '../../http.ts';
import type { Service } from '../error-formats.ts';
import { checked, found, Refused } from '../refused.ts';
import type { Apig } from './apig.ts';
import type { ApiDomain, ApiGroup, GatewayInstance } from './types.ts';

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
export function registerDomains({ app, operation, respond }: Service, apig: Apig): void {
  const domainOf = (c: SandboxRequest): ApiDomain =>
    found(groupOf(c, apig).domains.get(c.req.param('domain') ?? ''), new Refused(404, 'APIG.3009', 'The domain name does not exist'));

  app.post(ROOT, operation('apig.domain-bind'), async (c) => {
    const group = groupOf(c, apig);
    const order = await bodyOf(c, DomainBody);
    const { id, name } = apig.bindDomain(group, order.url_domain);
    return respond.json({ id, url_domain: name, status: 3, min_ssl_version: order.min_ssl_version ?? 'TLSv1.1' }, 201);
  });

  app.delete(`${ROOT}/:domain`, operation('apig.domain-unbind'), (c) => {
    groupOf(c, apig).domains.delete(domainOf(c).id);
    return respond.empty(204);
  });

  app.post(`${ROOT}/:domain/certificate`, operation('apig.certificate-bind'), async (c) => {
    const domain = domainOf(c);
    const order = await bodyOf(c, CertificateBody);
    const bound = apig.bindCertificate(domain, order.name, order.cert_content, order.private_key);
    const { id, name } = domain;
    return respond.json({ id, url_domain: name, status: 3, ssl_id: bound.id, ssl_name: bound.name, min_ssl_version: 'TLSv1.1' }, 201);
  });

  app.delete(`${ROOT}/:domain/certificate/:certificate`, operation('apig.certificate-unbind'), (c) => {
    const domain = domainOf(c);
    if (domain.certificate?.id !== c.req.param('certificate')) throw new Refused(404, 'APIG.3011', 'The certificate does not exist');
    domain.certificate = undefined;
    return respond.empty(204);
  });
}

export async function bodyOf<T>(c: SandboxRequest, schema: z.ZodType<T>): Promise<T> {
  return checked(
    schema,
    await jsonOf(c),
    (text, at) => new Refused(400, 'APIG.2011', `Invalid parameter value,parameterName:${at}. ${text}`),
  );
}

export function instanceOf(c: SandboxRequest, { instances }: Apig): GatewayInstance {
  const id = c.req.param('instance') ?? '';
  return found(instances.get(id), new Refused(404, 'APIG.3030', `The instance does not exist;id:${id}`));
}

export function groupOf(c: SandboxRequest, apig: Apig): ApiGroup {
  const id = c.req.param('group') ?? '';
  return found(instanceOf(c, apig).groups.get(id), new Refused(404, 'APIG.3001', `API group ${id} does not exist`));
}
