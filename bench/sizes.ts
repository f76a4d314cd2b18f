import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { FUNCTIONS } from '../scripts/bundles.ts';
import type { Bundles } from './bundles.ts';
import { PEER } from './peer.ts';
import type { Row, Section } from './row.ts';

const A_QUARTER = 0.25;

/** What each function has to load. */
export function sizes(bundles: Bundles): Section {
  return { name: 'sizes', rows: FUNCTIONS.flatMap(({ name, maxKb }) => sizesOf(name, bundles[name], maxKb)) };
}

function sizesOf(name: string, file: string, maxKb: number): readonly Row[] {
  const bundle = readFileSync(file);
  const peer = name === 'webhook' ? PEER.webhook : PEER.controlPlane;
  const zipped = deflateRawSync(bundle, { level: 9 });
  const held = (what: string, bytes: number, against: number): Row => ({
    what: `${name}, ${what}`,
    value: bytes / 1000,
    unit: 'kB',
    against: { kind: 'peer', value: against / 1000, most: A_QUARTER },
    must: true,
  });
  return [
    { what: `${name}, bundle`, value: bundle.length / 1000, unit: 'kB', against: { kind: 'most', value: maxKb }, must: true },
    held('bundle', bundle.length, peer.bytes),
    held('zipped', zipped.length, peer.zipBytes),
  ];
}
