import type { Service } from './schema.ts';

/** Where GitLab's hooks are to go; `undefined` without a gateway, or before it has an address. */
export function hookUrl({ provider: { gateway }, functions: { webhook } }: Service, groupAddress: string): string | undefined {
  if (gateway === 'none') return undefined;
  const host = gateway.domain ?? groupAddress;
  const path = webhook?.events.flatMap((event) => ('apig' in event ? [event.apig.path] : []))[0];
  return host === '' || path === undefined ? undefined : `https://${host}${path}`;
}
