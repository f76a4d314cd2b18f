/** The smallest document that is accepted, as a fresh value each time. */
export function baseDocument() {
  return {
    gitlab: { url: 'https://gitlab.example.com', scope: { group: 'acme' } },
    otc: { region: 'eu-de', project_id: '0123456789abcdef0123456789abcdef' },
    bucket: { name: 'acme-ci' },
    machine: {
      image: 'Standard_Ubuntu_22.04_latest',
      flavors: ['s3.large.8'],
      zones: ['eu-de-01'],
      vpc_id: '0f3c2b1a-1111-4222-8333-444455556666',
      subnet_id: '1f3c2b1a-1111-4222-8333-444455556666',
      security_groups: ['2f3c2b1a-1111-4222-8333-444455556666'],
    },
    runner: { maximum_timeout: '12h', docker: { image: 'ubuntu:22.04' } },
    pools: [basePool()],
  };
}

export function basePool() {
  return { name: 'bitbake', tags: ['bitbake'], limit: 19 };
}

/** The document with `value` at a path such as `pools.0.limit`; `undefined` removes the key. Sections on the way are made. */
export function withValue(path: string, value: unknown): unknown {
  const document: unknown = baseDocument();
  const parts = path.split('.');
  let at: unknown = document;
  parts.forEach((part, i) => {
    if (typeof at !== 'object' || at === null) throw new Error(`${path} leads through a value`);
    if (i < parts.length - 1) {
      const next: unknown = Reflect.get(at, part) ?? {};
      Reflect.set(at, part, next);
      at = next;
    } else if (value === undefined) Reflect.deleteProperty(at, part);
    else Reflect.set(at, part, value);
  });
  return document;
}
