import { describe, expect, it } from 'vitest';
import { parseBootLog, withoutSequences } from '../../../../lib/core/fleet/boot-log.ts';

const line = (rest: string, worker = 'bake-1') => `gl-scaler worker=${worker} ${rest}`;
const parse = (text: string) => parseBootLog(text, 'bake-1');

it('says which gitlab-runner a worker has, and only where the worker says so', () => {
  const text = `${line('phase=runner-version version=18.5.0~pre uptime=9')}\n${line('phase=other version=1 uptime=10')}`;
  expect(parse(text)).toEqual({
    phases: [
      ['runner-version', 9],
      ['other', 10],
    ],
    runnerVersion: '18.5.0~pre',
  });
  expect(parse(line('phase=runner-version version=<b> uptime=9'))).toEqual({ phases: [['runner-version', 9]] });
});

describe('a console', () => {
  const rows: readonly { name: string; text: string; phases: ReturnType<typeof parse>['phases']; reason?: string }[] = [
    { name: 'empty', text: '', phases: [] },
    { name: 'without a word of ours', text: '[    0.000000] Linux version 6.1.0\r\nlogin: ', phases: [] },
    {
      name: 'with other text all around',
      text: `[    0.1] Linux\r\n${line('phase=setup uptime=12.34')}\r\n[   13.0] docker0: up\r\n${line('phase=ready uptime=40.00')}\r\nlogin: `,
      phases: [
        ['setup', 12.34],
        ['ready', 40],
      ],
    },
    {
      name: 'of a boot that failed, with the reason',
      text: `${line('phase=setup uptime=12.3')}\n${line('phase=failed reason=cache-unavailable uptime=192.1')}\n${line('said: mount.nfs4: Connection refused')}\n${line('phase=finished result=exit-code status=1 uptime=192.4')}\n`,
      phases: [
        ['setup', 12.3],
        ['failed', 192.1],
        ['finished', 192.4],
      ],
      reason: 'cache-unavailable',
    },
    {
      name: 'with fields behind the phase',
      text: line('phase=version-differs package=docker.io installed=1 uptime=3'),
      phases: [['version-differs', 3]],
    },
    {
      name: 'whose kernel wrote into the line',
      text: `[   12.0] x: ${line('phase=setup [   12.1] eth0: up uptime=12.3')}`,
      phases: [['setup', 12.3]],
    },
    {
      name: 'whose lines ran together',
      text: `${line('phase=setup uptime=1.0')}${line('phase=ready uptime=2.0')}`,
      phases: [
        ['setup', 1],
        ['ready', 2],
      ],
    },
    {
      name: 'with a terminal’s colours and carriage returns',
      text: `\r\u001b[2K\u001b[0;32m${line('phase=setup uptime=1.5')}\u001b[0m\r\r\n\u001b]0;title\u0007${line('phase=ready uptime=2.5')}\r`,
      phases: [
        ['setup', 1.5],
        ['ready', 2.5],
      ],
    },
    {
      name: 'on which the journal repeats',
      text: `${line('phase=setup uptime=1.5')}\n${line('phase=setup uptime=1.5')}\n`,
      phases: [['setup', 1.5]],
    },
    {
      name: 'of a machine that was started again',
      text: `${line('phase=setup uptime=30.0')}\n${line('phase=rebooted uptime=9.0')}\n`,
      phases: [
        ['setup', 30],
        ['rebooted', 9],
      ],
    },
    {
      name: 'of which only the end is kept',
      text: `se=cloud-init-started uptime=1.0\n${line('phase=setup uptime=1.5')}`,
      phases: [['setup', 1.5]],
    },
  ];
  it.each(rows)('$name', ({ text, phases, reason }) => {
    expect(parse(text)).toStrictEqual({ phases, ...(reason === undefined ? {} : { reason }) });
  });
});

describe('from hostile text is taken', () => {
  it.each([
    { name: 'no line of another worker', text: line('phase=ready uptime=1.0', 'bake-2') },
    { name: 'no line of a name that only begins like it', text: line('phase=ready uptime=1.0', 'bake-12') },
    { name: 'no phase in capitals', text: line('phase=READY uptime=1.0') },
    { name: 'no phase with markup', text: line('phase=<b>x</b> uptime=1.0') },
    { name: 'no endless phase', text: line(`phase=${'a'.repeat(41)} uptime=1.0`) },
    { name: 'no line without uptime', text: line('phase=ready') },
    { name: 'no uptime that is no number', text: line('phase=ready uptime=soon') },
    { name: 'no line in which the uptime comes too late', text: line(`phase=ready ${'x'.repeat(400)} uptime=1.0`) },
    { name: 'nothing of a line cut by a control character', text: line('phase=ready\u0007uptime=1.0') },
  ])('$name', ({ text }) => {
    expect(parse(text)).toStrictEqual({ phases: [] });
  });

  it.each([
    { name: 'with a URL', reason: 'https://obs/x?Signature=abc' },
    { name: 'that is endless', reason: 'a'.repeat(61) },
    { name: 'in capitals', reason: 'LIES' },
  ])('no reason $name', ({ reason }) => {
    expect(parse(line(`phase=failed reason=${reason} uptime=1.0`))).toStrictEqual({ phases: [['failed', 1]] });
  });

  it('no more than twenty phases, and still the reason', () => {
    const many = Array.from({ length: 500 }, (_, i) => line(`phase=p${i} uptime=${i}`)).join('\n');
    const { phases, reason } = parse(`${many}\n${line('phase=failed reason=docker uptime=501')}`);
    expect([phases.length, phases.at(-1), reason]).toStrictEqual([20, ['p19', 19], 'docker']);
  });

  it('only so much of a number', () => {
    expect(parse(line(`phase=a uptime=${'9'.repeat(300)}`)).phases).toStrictEqual([['a', 9_999_999]]);
  });

  it('nothing slowly: a megabyte of half lines and escapes', () => {
    const half = `${line('phase=a reason=b ')}\u001b[`.repeat(20_000);
    expect(parse(half).phases).toStrictEqual([]);
  });
});

it('escape sequences go, the text between them stays', () => {
  expect(withoutSequences('[\u001b[0;32m  OK  \u001b[0m] \u001b]8;;http://x\u001b\\link\u001b(B\u001bc end\u001b')).toBe(
    '[  OK  ] link end',
  );
});
