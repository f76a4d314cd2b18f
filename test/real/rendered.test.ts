import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { renderManagerUserData } from '../../cloud-init/manager/manager.ts';
import { renderWorkerUserData } from '../../cloud-init/worker/worker.ts';
import {
  cloudConfigIn,
  filesOf,
  pythonComplaints,
  type RenderedFile,
  rulesComplaints,
  rulesOf,
  run,
  schemaComplaints,
  shellComplaints,
  unitComplaints,
  unknownKeys,
} from './rendered-checks.ts';
import { MANAGERS, WORKERS } from './rendered-settings.ts';

/** What the packages bring that the units start. */
const PROGRAMS = ['/usr/bin/python3', '/usr/sbin/nft'];

describe.each([
  ...WORKERS.map(([name, input]) => [name, renderWorkerUserData(input)] as const),
  ...MANAGERS.map(([name, settings]) => [name, renderManagerUserData(settings)] as const),
])('%s', (_name, userData) => {
  const config = cloudConfigIn(userData);
  const files = filesOf(config);

  it('is cloud-config to cloud-init itself', () => {
    expect(schemaComplaints(config)).toEqual([]);
    expect(unknownKeys(config)).toEqual([]);
  });

  it('has units that systemd has nothing to say to', () => {
    expect(unitComplaints(files, PROGRAMS)).toEqual([]);
  });

  it('has scripts that shellcheck has nothing to say to', () => {
    expect(shellComplaints(config)).toEqual([]);
  });

  it('has programs that Python can read', () => {
    expect(pythonComplaints(files)).toEqual([]);
  });

  it('has rules that nft takes', () => {
    expect(rulesComplaints(files)).toEqual([]);
  });

  it('is less than 24 KB', () => {
    expect(Buffer.byteLength(userData)).toBeLessThan(24 * 1024);
  });
});

describe('the metadata block', () => {
  const rules = rulesOf(filesOf(renderWorkerUserData(WORKERS[0]?.[1] ?? fail())))[0] ?? '';
  const open = rules.slice(0, rules.indexOf('flush chain'));

  /** Whether a process of this user reaches a metadata service at its address, in a network of its own. */
  function reached(ruleset: string, uid: number, [address, source]: readonly [string, string]): boolean {
    const program = [
      'import encodings.idna, os, socket, sys',
      'def at(address, port):',
      // A link-local address is one of an interface.
      '    return socket.getaddrinfo(address + ("%lo" if address.startswith("fe80") else ""), port, type=socket.SOCK_STREAM)[0]',
      'family = at(sys.argv[2], 80)[0]',
      'service = socket.socket(family)',
      'service.bind(at(sys.argv[2], 80)[4])',
      'service.listen()',
      'if os.fork() == 0:',
      '    os.setuid(int(sys.argv[1]))',
      // A socket belongs to whoever made it.
      '    client = socket.socket(family)',
      '    client.settimeout(10)',
      '    client.bind(at(sys.argv[3], 0)[4])',
      '    try:',
      '        client.connect(service.getsockname())',
      '        print("reached")',
      '    except ConnectionRefusedError:',
      '        print("refused")',
      'else:',
      '    os.wait()',
    ].join('\n');
    const script =
      'set -e; ip link set lo up; for a in "$2" "$3"; do ip address add "$a" dev lo $(case $a in *:*) echo nodad; esac); done; nft -f -; exec python3 -c "$0" "$@"';
    const { output } = run('unshare', ['--net', 'sh', '-c', script, program, String(uid), address, source], ruleset);
    expect(output).toMatch(/^(?:reached|refused)\n$/);
    return output === 'reached\n';
  }

  const ADDRESSES = [
    ['169.254.169.254', '192.0.2.1'],
    ['fd00:ec2::254', '2001:db8::1'],
    ['fe80::a9fe:a9fe', 'fe80::1'],
  ] as const;

  it.each([
    ['root while booting', open, 0, true],
    ['a job while booting', open, 65_534, false],
    ['root once jobs may run', rules, 0, false],
    ['a job once jobs may run', rules, 65_534, false],
    ['anybody without it: the test itself', 'add table inet gl_scaler\n', 65_534, true],
  ])('%s', (_name, ruleset, uid, expected) => {
    expect(ADDRESSES.map((address) => reached(ruleset, uid, address))).toEqual(ADDRESSES.map(() => expected));
  });
});

/** A check that finds nothing wrong is worth something only if it can. */
describe('a planted error is found:', () => {
  const good = renderWorkerUserData(WORKERS[1]?.[1] ?? fail()).replaceAll(
    / {4}encoding: gz\+b64\n {4}content: (\S+)/g,
    (_, packed: string) =>
      `    content: |\n${gunzipSync(Buffer.from(packed, 'base64'))
        .toString()
        .trimEnd()
        .replaceAll(/^(?=.)/gm, '      ')}`,
  );
  const replaced = (from: string, to: string): string => {
    if (!good.includes(from)) throw new Error(`${from} is not in the user data`);
    return good.replace(from, to);
  };
  const file = (path: string, content: string, permissions = '0755'): RenderedFile => ({ path, permissions, content });

  it.each([
    ['an unknown top-level key', replaced('runcmd:', 'runcmds:'), unknownKeys, /runcmds/],
    ['a key of write_files misspelt', replaced('    permissions:', '    permission:'), schemaComplaints, /permission/],
    ['YAML that is none', replaced('runcmd:', 'runcmd: ['), schemaComplaints, /./],
    ['a value of the wrong type', replaced('package_update: false', 'package_update: [1]'), schemaComplaints, /package_update/],
    [
      'an unset variable in a script',
      replaced('"$CACHE_SERVER:$CACHE_EXPORT"', '"$CACHE_SERVER:$CASHE_EXPORT"'),
      shellComplaints,
      /CASHE_EXPORT/,
    ],
    ['a word that is split', replaced('rm -f "$script"', 'rm -f $script'), shellComplaints, /SC2086/],
    ['a slip in what is only sourced', replaced('cut -d. -f1 /proc/uptime', 'cut -d. -f1 $file'), shellComplaints, /file is referenced/],
    ['bash in sh', replaced('set -eu\n', 'set -eu\n      declare -a list\n'), shellComplaints, /declare/],
    ['a slip in a command line', replaced('; say phase=cloud-init-started', '; say $phase'), shellComplaints, /phase/],
  ])('%s', (_name, userData, check, complaint) => {
    expect(check(userData).join('\n')).toMatch(complaint);
  });

  it.each<readonly [string, string, string, RegExp]>([
    ['a directive misspelt', 'OOMPolicy=', 'OOMPolice=', /OOMPolice/],
    ['a value that cannot be read', 'TimeoutStopSec=90', 'TimeoutStopSec=1 fortnight', /fortnight/],
    [
      'a program that is not there',
      'ExecStopPost=/usr/local/lib/gl-scaler/finish',
      'ExecStopPost=/usr/local/lib/gl-scaler/fin',
      /fin is not executable/,
    ],
    ['a section misspelt', '[Timer]', '[Timers]', /Timers/],
  ])('%s', (_name, from, to, complaint) => {
    expect(unitComplaints(filesOf(replaced(from, to))).join('\n')).toMatch(complaint);
  });

  it.each([
    ['a word of nft misspelt', replaced('meta skuid', 'meta skuidd'), /syntax error|skuidd/],
    ['a rule for a chain that is not there', replaced('gl_scaler output ip', 'gl_scaler outputs ip'), /No such file/],
  ])('%s', (_name, userData, complaint) => {
    expect(rulesComplaints(filesOf(userData)).join('\n')).toMatch(complaint);
  });

  it('a directive misspelt in what is added to a unit of a package', () => {
    const addition = {
      path: '/etc/systemd/system/nfs-server.service.d/x.conf',
      permissions: '0644',
      content: '[Unit]\nRequireMountsFor=/cache\n',
    };
    expect(unitComplaints([addition]).join('\n')).toMatch(/RequireMountsFor/);
  });

  it.each([
    ['another kind of user data', '#!/bin/sh\ntrue\n'],
    [
      'a message with two parts',
      'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b\n\n#cloud-config\n--b\n\n#cloud-config\n--b--\n',
    ],
  ])('%s', (_name, userData) => {
    expect(() => cloudConfigIn(userData)).toThrow(/cloud-init cannot read it/);
  });

  it('a program in Python that is none', () => {
    expect(pythonComplaints([file('/x.py', 'print("a"\n')]).join('\n')).toMatch(/SyntaxError/);
  });

  it('nothing to check at all', () => {
    const nothing = '#cloud-config\nwrite_files: []\n';
    expect([unitComplaints([]), shellComplaints(nothing), rulesComplaints([])]).toEqual([['no units'], ['no scripts'], ['no rules']]);
  });
});

function fail(): never {
  throw new Error('the list of workers is empty');
}
