/** Whether the rules of a bucket's lifecycle are ones that OBS takes (OTC OBS API reference, "Configuring Bucket Lifecycle Rules"). */
export function goodLifecycle(xml: string): boolean {
  const rules = [...xml.matchAll(/<Rule>([\s\S]*?)<\/Rule>/g)].map((m) => m[1] ?? '');
  const outside = xml.replace(/<Rule>[\s\S]*?<\/Rule>/g, '').replace(/<\?xml[^>]*\?>/, '');
  if (!/^\s*<LifecycleConfiguration(\s[^>]*)?>\s*<\/LifecycleConfiguration>\s*$/.test(outside)) return false;
  const ids = rules.map((rule) => textOf(rule, 'ID'));
  const given = ids.filter((id) => id !== undefined);
  if (rules.length < 1 || rules.length > 1000 || new Set(given).size < given.length) return false;
  return rules.every(goodRule);
}

function goodRule(rule: string): boolean {
  const id = textOf(rule, 'ID');
  const days = /<Expiration>\s*<Days>([1-9]\d*)<\/Days>\s*<\/Expiration>/.test(rule);
  const date = /<Expiration>\s*<Date>[^<]+T00:00:00(\.000)?Z<\/Date>\s*<\/Expiration>/.test(rule);
  return (
    (id === undefined || (id.length > 0 && id.length <= 255)) &&
    textOf(rule, 'Prefix') !== undefined &&
    ['Enabled', 'Disabled'].includes(textOf(rule, 'Status') ?? '') &&
    days !== date
  );
}

function textOf(rule: string, name: string): string | undefined {
  if (rule.includes(`<${name}/>`)) return '';
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(rule)?.[1];
}
