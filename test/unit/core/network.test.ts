import { BlockList, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, hasHostBits, isPrivate, overlap, parseNetwork, usableAddresses } from '../../../lib/core/network.ts';

describe('networks', () => {
  it.each([
    ['10.0.1.0/24', '10.0.1.128/25', true],
    ['10.0.1.0/24', '10.0.2.0/24', false],
    ['10.0.1.7', '10.0.1.0/24', true],
    ['fd00::/64', 'fd00:0:0:0:8000::/65', true],
    ['fd00::/64', 'fd00:0:0:1::/64', false],
    ['10.0.0.0/8', '::ffff:10.0.0.0/104', false],
  ])('%s and %s overlap: %s', (a, b, expected) => {
    const [one, two] = [parseNetwork(a), parseNetwork(b)];
    expect(one && two && overlap(one, two)).toBe(expected);
  });

  it.each([
    '10.0.1.0/33',
    '10.0.1/24',
    '10.0.1.0/024',
    '10.0.1.0/24/1',
    'fe80::1%eth0/64',
    '',
    '::/129',
    '010.0.0.1',
    '10.0.00.0/24',
    '0x10.0.0.1',
    '256.0.0.1',
    '1.2.3.4::',
    ':::',
    '1::2::3',
  ])('"%s" is none', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });

  it.each([
    ['192.168.4.0/24', true],
    ['172.32.0.0/16', false],
    ['100.64.0.0/10', true],
    ['10.0.0.0/7', false],
    ['fd12::/32', true],
    ['2003::/32', false],
  ])('%s is private: %s', (text, expected) => {
    const subnet = parseNetwork(text);
    expect(subnet && isPrivate(subnet)).toBe(expected);
  });
});

/** Addresses, and texts that nearly are. */
const nearly = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.stringMatching(/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/),
  fc.stringMatching(/^([0-9a-f]{0,5}:){1,8}[0-9a-f]{0,4}$/),
  fc.stringMatching(/^(::)?([0-9a-f]{1,4}:){0,7}[0-9]{1,3}(\.[0-9]{1,3}){3}$/),
);

describe('as Node.js has them', () => {
  it('addresses are those that it takes for some', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        expect(parseNetwork(text)?.family ?? 0).toBe(isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0);
      }),
      {
        numRuns: 2_000,
      },
    );
  });

  it('a network holds the addresses that it holds', () => {
    const network = fc.oneof(fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })), fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })));
    fc.assert(
      fc.property(network, fc.nat(), ([address, prefix], bit) => {
        const version = isIPv4(address) ? 'ipv4' : 'ipv6';
        const list = new BlockList();
        list.addSubnet(address, prefix, version);
        const other =
          version === 'ipv4' ? address.replace(/^\d+/, String(bit % 256)) : address.replace(/^[\da-f]+/i, (bit % 65_536).toString(16));
        expect(contains(`${address}/${prefix}`, other)).toBe(list.check(other, version));
      }),
    );
  });
});

it.each([
  ['10.0.1.0/24', '10.0.1.0/24', true],
  ['10.0.1.0/24', '10.0.0.0/16', false],
  ['10.0.0.0/8', '010.0.0.1', false],
  ['fd00::/16', '10.0.0.1', false],
])('%s contains %s: %s', (outer, inner, expected) => {
  expect(contains(outer, inner)).toBe(expected);
});

it.each([
  ['10.0.1.0/24', false],
  ['10.0.1.1/24', true],
  ['10.0.1.1', false],
  ['fd00::1/64', true],
])('%s has bits set after its prefix: %s', (text, expected) => {
  const network = parseNetwork(text);
  expect(network && hasHostBits(network)).toBe(expected);
});

it.each([
  ['10.0.1.0/24', 251],
  ['10.0.1.0/30', 0],
  ['fd00::/64', undefined],
  ['10.0.01.0/24', undefined],
])('%s has room for %s servers', (cidr, room) => {
  expect(usableAddresses(cidr)).toBe(room);
});
