/* By what things in OTC are known as ours. */

/** By this a function or a gateway in OTC is known as one of this deployment; the comma keeps stages apart of which one's name begins with the other's. */
export function ownerMark(name: string): string {
  return `otc-gitlab-scaler, deployment ${name}`;
}

/** In the description of a gateway and the remark of an API group. A gateway, and what serverless.yml does not name any more, is only removed when it says so. */
export function madeBy(name: string): string {
  return `${ownerMark(name)}, removed by osls remove`;
}

/** Whose a function is, and which farm's. */
export function farmMark(name: string, bucket: string): string {
  return `${ownerMark(name)}, bucket ${bucket}`;
}

/** The deployment that a function with this description belongs to, when its farm has this bucket. */
export function deploymentAt(bucket: string, description: string): string | undefined {
  const [, name = '', of] = /^otc-gitlab-scaler, deployment ([^,]+), bucket ([^,]+), /.exec(description) ?? [];
  return of === bucket ? name : undefined;
}

/** API Gateway's names have no hyphen. */
export function gatewayName(name: string): string {
  return name.replaceAll('-', '_');
}
