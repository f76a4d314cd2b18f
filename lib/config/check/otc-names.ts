import type { Finding } from './finding.ts';
import { nearest } from './messages.ts';
import type { Path } from './problems.ts';
import type { PoolView, View } from './view.ts';

/** Regions behind the usual domain. Source: OTC, regions and endpoints; the Swiss cloud has a domain of its own. */
const REGIONS = ['eu-de', 'eu-nl'];
const SIZES = ['small', 'medium', 'large', 'xlarge'];
/** Generation, size, GiB of memory per vCPU: `s3.large.8`, `c4.2xlarge.2`. Some old ones lack the last. Source: OTC ECS user manual, instance types. */
const FLAVOR = /^[a-z][a-z0-9]*\.(?:small|medium|(?:\d{0,3}x)?large)(?:\.\d{1,3})?$/;

/** The region: one that there is, and the one of the zones. Zones are not blamed for a wrong region. */
export function regionFindings({ otc, machine, pools }: View): readonly Finding[] {
  const { region } = otc ?? {};
  if (region === undefined) return [];
  const zones = [...(machine?.zones ?? []), ...pools.flatMap((pool) => pool.machine?.zones ?? [])];
  const others = new Set(zones.map(regionOf));
  const [other] = others;
  const path = ['otc', 'region'];
  if (otc?.domain === undefined && !REGIONS.includes(region)) {
    const meant = nearest(region, REGIONS);
    const hint = meant ? `; did you mean "${meant}"?` : '; for another cloud set otc.domain';
    return [{ level: 'error', path, message: `is no region of OTC (${REGIONS.join(', ')})${hint}` }];
  }
  if (others.size === 1 && other !== undefined && other !== region) {
    return [{ level: 'warning', path, message: `is not that of the zones, which are all in ${other}: every launch would be refused` }];
  }
  return [];
}

/** Zones that are not in the region, where others are. */
export function zoneNameFindings(view: View, pool: PoolView, at: Path): readonly Finding[] {
  const region = view.otc?.region;
  if (region === undefined || regionFindings(view).length > 0) return [];
  const { path, values } = machineList(view, pool, at, 'zones');
  return values.flatMap((zone, i): readonly Finding[] =>
    zone.startsWith(region)
      ? []
      : [{ level: 'warning', path: [...path, i], message: `is not named like a zone of ${region}: every launch there would be refused` }],
  );
}

/** Flavors that no zone can have, by their names. */
export function flavorFindings(view: View, pool: PoolView, at: Path): readonly Finding[] {
  const { path, values } = machineList(view, pool, at, 'flavors');
  return values.flatMap((flavor, i): readonly Finding[] => {
    if (FLAVOR.test(flavor)) return [];
    return [{ level: 'error', path: [...path, i], message: `is no flavor that OTC could have: ${flavorAdvice(flavor)}` }];
  });
}

function flavorAdvice(flavor: string): string {
  const [family = '', size = '', memory = '', ...more] = flavor.split('.');
  const meant = nearest(size.replace(/^\d+/, ''), SIZES);
  const whole = `${family}.${/^\d*/.exec(size)?.[0] ?? ''}${meant}.${memory}`;
  if (meant !== undefined && more.length === 0 && FLAVOR.test(whole)) return `did you mean ${whole}?`;
  return 'write generation, size and memory per vCPU, such as s3.large.8 or c4.2xlarge.2';
}

function machineList(view: View, pool: PoolView, at: Path, key: 'flavors' | 'zones') {
  const own = pool.machine?.[key];
  return { path: [...(own ? at : []), 'machine', key], values: own ?? view.machine?.[key] ?? [] };
}

/** `eu-de` of `eu-de-01`, `eu-ch2` of `eu-ch2a`. */
function regionOf(zone: string): string {
  return zone.replace(/(?:-\d+|(?<=\d)[a-z])$/, '');
}
