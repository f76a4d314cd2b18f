import type { Machine, PoolSettings } from '../../settings.ts';
import { cloudOf, type DoctorContext } from '../context.ts';
import { error, ok, orOk, type Result, unique, warning } from '../findings.ts';
import type { FlavorView, ImageView } from '../types.ts';

export async function checkZones({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  return judgeZones(await cloudOf(services).zones(options), unique(subject.settings.pools.flatMap(({ machine }) => machine.zones)));
}

function judgeZones(
  zones: readonly { readonly name: string; readonly available: boolean }[],
  wanted: readonly string[],
): readonly Result[] {
  const known = zones.map(({ name }) => name).join(', ');
  const problems = wanted.flatMap((name) => {
    const zone = zones.find((z) => z.name === name);
    if (!zone) return [error('zone-missing', `There is no zone ${name}.`, `write one of ${known} into machine.zones.`)];
    if (zone.available) return [];
    return [warning('zone-unavailable', `The zone ${name} is not available now.`, 'name a second zone in machine.zones.')];
  });
  return orOk(problems, 'zones', `The zones exist: ${wanted.join(', ')}.`);
}

export async function checkImages({ subject, services, options, reads }: DoctorContext): Promise<readonly Result[]> {
  const cloud = cloudOf(services);
  const byImage = new Map<string, PoolSettings[]>();
  for (const pool of subject.settings.pools) {
    const key = JSON.stringify(pool.machine.image);
    byImage.set(key, [...(byImage.get(key) ?? []), pool]);
  }
  const flavors = await reads.flavors().catch(() => []);
  const results = await Promise.all(
    [...byImage.values()].map(async (pools) => {
      const image = pools[0]?.machine.image;
      return image ? judgeImage(await cloud.images(image, options), pools, flavors) : [];
    }),
  );
  const names = unique(subject.settings.pools.map(({ machine }) => imageName(machine.image)));
  return orOk(results.flat(), 'images', `The image can be started: ${names.join(', ')}.`);
}

function imageName(image: Machine['image']): string {
  return 'id' in image ? image.id : image.name;
}

/** `pools` all want the same image; `flavors` may be empty when they are not known. */
function judgeImage(images: readonly ImageView[], pools: readonly PoolSettings[], flavors: readonly FlavorView[]): readonly Result[] {
  const wanted = pools[0]?.machine.image;
  if (!wanted) return [];
  const name = imageName(wanted);
  const image = images.find(({ status }) => status === 'active');
  if (!image) {
    const [other] = images;
    if (!other) {
      return [
        error(
          'image-missing',
          `There is no image ${name}.`,
          'write the name as the console shows it (Image Management Service), or { id: … }.',
        ),
      ];
    }
    return [
      error('image-inactive', `The image ${name} is ${other.status}.`, 'wait until it is active, or name another one in machine.image.'),
    ];
  }
  const problems: Result[] = [];
  if (image.withoutCloudInit) {
    const todo = 'use an image with cloud-init, such as a public Standard_… one.';
    problems.push(
      error('image-without-cloud-init', `The image ${name} takes no user data: its machines would never become workers.`, todo),
    );
  }
  for (const { pool, machine } of pools) {
    const { sizeGb } = machine.rootVolume;
    if (sizeGb < image.minDiskGb) {
      const found = `${pool.name}: the image ${name} needs ${image.minDiskGb} GB, the root volume has ${sizeGb}.`;
      problems.push(error('image-too-large', found, `set machine.root_volume.size to at least ${image.minDiskGb}.`));
    }
    const small = machine.flavors.filter((id) => (flavors.find((flavor) => flavor.id === id)?.ramMib ?? Infinity) < image.minRamMib);
    if (small.length > 0) {
      const found = `${pool.name}: the image ${name} needs ${image.minRamMib} MiB of memory, more than ${small.join(', ')} has.`;
      problems.push(error('image-memory', found, 'name larger flavors in machine.flavors.'));
    }
  }
  return problems;
}

export async function checkFlavors({ subject, services, options, reads }: DoctorContext): Promise<readonly Result[]> {
  const cloud = cloudOf(services);
  const zones = unique(subject.settings.pools.flatMap(({ machine }) => machine.zones));
  const [all, ...sold] = await Promise.all([reads.flavors(), ...zones.map((zone) => cloud.flavors(zone, options))]);
  return judgeFlavors(subject.settings.pools, all, new Map(zones.map((zone, i) => [zone, sold[i] ?? []])));
}

/** `sold`: what can be bought in each zone now. */
function judgeFlavors(
  pools: readonly PoolSettings[],
  all: readonly FlavorView[],
  sold: ReadonlyMap<string, readonly string[]>,
): readonly Result[] {
  const buyable = (flavor: string, zone: string) => sold.get(zone)?.includes(flavor) ?? false;
  const pairs = new Map<string, readonly [flavor: string, zone: string]>();
  for (const { machine } of pools) {
    for (const flavor of machine.flavors) for (const zone of machine.zones) pairs.set(`${flavor} ${zone}`, [flavor, zone]);
  }
  const exists = (flavor: string) => all.some(({ id }) => id === flavor);
  const missing = unique([...pairs.values()].map(([flavor]) => flavor)).filter((flavor) => !exists(flavor));
  const offSale = [...pairs.values()].filter(([flavor, zone]) => exists(flavor) && !buyable(flavor, zone));
  const problems = [
    ...missing.map((flavor) =>
      warning(
        'flavor-missing',
        `There is no flavor ${flavor} in this region.`,
        'take it out of machine.flavors, or mend its name (console: ECS, Buy).',
      ),
    ),
    ...offSale.map(([flavor, zone]) =>
      warning(
        'flavor-off-sale',
        `${flavor} cannot be bought in ${zone} now.`,
        'name a further flavor or zone; launches take the first that is sold.',
      ),
    ),
    ...pools
      .filter(({ machine }) => !machine.flavors.some((flavor) => machine.zones.some((zone) => buyable(flavor, zone))))
      .map(({ pool }) =>
        error(
          'nothing-to-buy',
          `${pool.name}: none of its flavors can be bought in any of its zones.`,
          'add flavors or zones that are sold.',
        ),
      ),
  ];
  return orOk(problems, 'flavors', 'Every flavor can be bought in every zone.');
}

export async function checkKeyPairs({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  const wanted = unique(subject.settings.pools.flatMap(({ machine }) => machine.keyName ?? []));
  if (wanted.length === 0) return [ok('key-pairs', 'None is configured, and none is needed.')];
  return judgeKeyPairs(await cloudOf(services).keyPairs(options), wanted);
}

/** A key pair belongs to the user who made it (OTC ECS API reference, Ecs.0314), so what others see proves little. */
function judgeKeyPairs(known: readonly string[], wanted: readonly string[]): readonly Result[] {
  const todo = 'make it as the user, or for the agency, that launches; or leave key_name out: workers need no log-in.';
  const problems = wanted
    .filter((name) => !known.includes(name))
    .map((name) => warning('key-pair-missing', `The key pair ${name} is not visible to these keys.`, todo));
  return orOk(problems, 'key-pairs', `${wanted.join(', ')}: visible to these keys. A key pair belongs to the user who created it.`);
}
