/** `urn:fss:<region>:<project>:function:<package>:<name>[:<version>]`, or the short forms `package:name` and `name`. Returns the name. */
export function functionOf(urn: string, project: string): string | undefined {
  const parts = urn.split(':');
  if (parts[0] !== 'urn') return parts.length <= 2 ? parts.at(-1) : undefined;
  if (parts[1] !== 'fss' || parts[3] !== project || parts[4] !== 'function') return undefined;
  return parts.length === 7 || (parts.length === 8 && parts[7] === 'latest') ? parts[6] : undefined;
}

/** Without the version. */
export function urnOf(region: string, project: string, packageName: string, name: string): string {
  return `urn:fss:${region}:${project}:function:${packageName}:${name}`;
}
