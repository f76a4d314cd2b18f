import { describe, expect, it } from 'vitest';
import { ThrottledError } from '../../../lib/core/errors.ts';
import { type CallKind, errorInside, errorOfCode, otcError } from '../../../lib/otc/errors.ts';

function error(status: number, body: unknown, kind: CallKind = 'create', headers: Record<string, string> = {}) {
  return otcError({ status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) }, kind, 'ecs.create');
}

const ecs = (code: string, message = 'text') => ({ error: { code, message } });

describe('envelopes', () => {
  it.each<[string, number, unknown, string, string]>([
    ['ECS', 400, ecs('Ecs.0319'), 'SoldOutError', 'Ecs.0319'],
    ['ECS with code and message swapped', 400, { error: { message: 'Ecs.0001', code: 'quota of cores' } }, 'QuotaError', 'Ecs.0001'],
    [
      'ECS with the reason in details',
      400,
      { error: { code: 'Ecs.0005', message: 'x', details: [{ code: 'Ecs.0043', message: 'y' }] } },
      'ConfigError',
      'Ecs.0043',
    ],
    [
      'ECS with a vague detail',
      400,
      { error: { code: 'Ecs.0001', message: 'x', details: [{ code: 'Ecs.0005', message: 'y' }] } },
      'QuotaError',
      'Ecs.0001',
    ],
    [
      'batch',
      400,
      { ...ecs('Ecs.xxxx'), internalError: [{ id: '1', error_code: 'ECS.0219', error_message: 'z' }] },
      'SoldOutError',
      'Ecs.0219',
    ],
    ['job query', 400, { code: 'Common.0002', message: 'bad id' }, 'ConfigError', 'Common.0002'],
    ['job with error_code', 500, { error_code: 'Ecs.0219', fail_reason: 'No valid host was found.' }, 'SoldOutError', 'Ecs.0219'],
    ['gateway', 429, { error_msg: 'limit:60', error_code: 'APIG.0308', request_id: 'r' }, 'ThrottledError', 'APIG.0308'],
    ['gateway as HUAWEI CLOUD prints it', 429, { error_msg: 'limit:60', error_code: 'APIGW.0308' }, 'ThrottledError', 'APIG.0308'],
    ['Nova', 400, { badRequest: { message: 'Invalid input', code: 400 } }, 'ConfigError', 'http-400'],
    ['IAM', 401, { error: { code: 401, message: 'The X-Auth-Token is invalid!', title: 'Unauthorized' } }, 'AccessError', 'http-401'],
    ['HTML of a balancer', 502, '<html><body>Bad Gateway</body></html>', 'UnclearError', 'http-502'],
    ['HTML that claims 400', 400, '<html>nginx</html>', 'UnclearError', 'http-400'],
    ['nothing', 504, '', 'UnclearError', 'http-504'],
    ['half a body', 400, '{"error":{"code":"Ecs.03', 'UnclearError', 'http-400'],
    ['JSON null', 400, 'null', 'ConfigError', 'http-400'],
  ])('%s', (_, status, body, name, code) => {
    expect(error(status, body)).toMatchObject({ name, code });
  });

  it('keeps what Nova and IAM say', () => {
    expect(error(404, { itemNotFound: { message: 'Server not here', code: 404 } }).message).toContain('Server not here');
    expect(error(401, { error: { code: 401, message: 'The X-Auth-Token is invalid!', title: 'Unauthorized' } }).message).toContain(
      'invalid',
    );
  });
});

describe('what is said', () => {
  const words = 'rootVolume type SSSD is not exist.';
  it.each<[string, unknown, string]>([
    [
      'a detail with a code and an empty message',
      { error: { code: 'Ecs.0005', message: words, details: [{ code: 'Ecs.0043', message: '' }] } },
      'Ecs.0043',
    ],
    ['a detail with a code alone', { error: { code: 'Ecs.0005', message: words, details: [{ code: 'Ecs.0043' }] } }, 'Ecs.0043'],
    ['a detail with blanks', { error: { code: 'Ecs.0005', message: words, details: [{ code: 'Ecs.0043', message: '  ' }] } }, 'Ecs.0043'],
    ['a detail with null', { error: { code: 'Ecs.0005', message: words, details: [{ code: 'Ecs.0043', message: null }] } }, 'Ecs.0043'],
    [
      'the words in the detail alone',
      { error: { code: 'Ecs.0043', message: '', details: [{ code: 'Ecs.0005', message: words }] } },
      'Ecs.0043',
    ],
    ['the words in a detail without a code', { error: { code: 'Ecs.0043', message: '', details: [{ message: words }] } }, 'Ecs.0043'],
    [
      'details that are one object',
      { error: { code: 'Ecs.0005', message: '', details: { code: 'Ecs.0043', message: words } } },
      'Ecs.0043',
    ],
    ['code and message swapped', { error: { message: 'Ecs.0043', code: words } }, 'Ecs.0043'],
    [
      'swapped in the detail, empty outside',
      { error: { code: '', message: '', details: [{ message: 'Ecs.0043', code: words }] } },
      'Ecs.0043',
    ],
    [
      'swapped outside, empty in the detail',
      { error: { message: 'Ecs.0005', code: words, details: [{ code: 'Ecs.0043', message: '' }] } },
      'Ecs.0043',
    ],
    ['both names of the text, one empty', { error_code: 'Ecs.0043', error_msg: '', message: words }, 'Ecs.0043'],
    ['the long name', { errorCode: 'Ecs.0043', error_message: words }, 'Ecs.0043'],
    ['the reason of a job', { error_code: 'Ecs.0043', message: '', fail_reason: words }, 'Ecs.0043'],
    ['a batch', { code: 'Ecs.0005', message: '', internalError: [{ id: '1', error_code: 'Ecs.0043', error_message: words }] }, 'Ecs.0043'],
    ['no code that is one', { error: { code: '', message: words } }, 'http-400'],
    ['Nova, empty outside', { message: '', badRequest: { message: words, code: 400 } }, 'http-400'],
    ['IAM', { error_msg: '', error: { code: 400, message: words, title: 'Bad Request' } }, 'http-400'],
    ['a list of errors', { errors: [{ message: '' }, { message: words }] }, 'http-400'],
  ])('is found in %s', (_, body, code) => {
    expect(error(400, body).message).toBe(`ecs.create: ${code} ${words} (HTTP 400)`);
  });

  it('is nothing where there is nothing, and no error comes without a code', () => {
    expect(error(400, { error: { code: 'Ecs.0043', message: '' } }).message).toBe('ecs.create: Ecs.0043 (HTTP 400)');
    expect(error(400, { error: { code: 400, message: 'Ecs.0043' } }).message).toBe('ecs.create: Ecs.0043 (HTTP 400)');
    expect(errorOfCode('', ' ', 'create', 'ecs.operation')).toMatchObject({
      code: 'operation-failed',
      message: 'ecs.operation: operation-failed',
    });
  });
});

describe('codes', () => {
  it.each<[string, string, number, readonly string[]]>([
    ['quota', 'QuotaError', 400, ['Ecs.0001', 'Ecs.0013', 'Ecs.0021', 'Ecs.0022', 'Ecs.0913']],
    ['addresses', 'SubnetFullError', 400, ['Ecs.0012']],
    ['no capacity, flavor gone', 'SoldOutError', 400, ['Ecs.0319', 'Ecs.0219', 'Ecs.0204', 'Ecs.0044', 'EVS.2072', 'Ecs.0029', 'Ecs.0019']],
    ['image', 'ConfigError', 400, ['Ecs.0031', 'Ecs.0032', 'Ecs.0007', 'Ecs.0304']],
    ['disk type', 'ConfigError', 400, ['Ecs.0015', 'Ecs.0043', 'Ecs.0909']],
    ['network and keys', 'ConfigError', 400, ['Ecs.0010', 'Ecs.0014', 'Ecs.0038', 'Ecs.0064', 'Ecs.0314']],
    ['project', 'ConfigError', 400, ['Ecs.0023', 'Common.0018']],
    ['tags', 'ConfigError', 400, ['Ecs.0905', 'Ecs.0906', 'Ecs.0907', 'Ecs.0908', 'Ecs.0914', 'Ecs.0915']],
    ['request', 'ConfigError', 400, ['Ecs.0005', 'Common.0002']],
    ['rights and money', 'AccessError', 403, ['Ecs.0003', 'Ecs.0110', 'Pdp.0001', 'Ecs.0067', 'Ecs.0069', 'Ecs.0070', 'Ecs.0071']],
    ['token', 'AccessError', 401, ['Common.0013', 'APIG.0301', 'APIG.0307']],
    ['throttled', 'ThrottledError', 429, ['APIG.0308', 'Common.1503', 'Common.0024', 'FSS.0429']],
    [
      'backend, with HTTP 400',
      'UnclearError',
      400,
      ['Ecs.0000', 'Ecs.0002', 'Ecs.1000', 'Ecs.1001', 'Ecs.1002', 'Ecs.1100', 'Ecs.1200', 'Ecs.1201', 'Ecs.1300'],
    ],
    ['backend', 'UnclearError', 500, ['Common.0001', 'Common.0022', 'APIG.0201']],
    ['steps of a create', 'UnclearError', 400, ['Ecs.0201', 'Ecs.0202', 'Ecs.0203', 'Ecs.0210', 'Ecs.0211', 'Ecs.0217', 'Common.0021']],
  ])('of %s are a %s', (_, name, status, codes) => {
    expect(codes.map((code) => error(status, ecs(code)).name)).toEqual(codes.map(() => name));
  });

  it('are believed more than the status', () => {
    expect(error(500, ecs('Ecs.0319')).name).toBe('SoldOutError');
    expect(error(400, ecs('Common.0013')).name).toBe('AccessError');
  });

  it.each<[string, number, unknown, CallKind, string]>([
    ['unknown, 400', 400, ecs('Ecs.0999'), 'create', 'ConfigError'],
    ['unknown, 500', 500, ecs('Ecs.0999'), 'create', 'UnclearError'],
    ['unknown, 403', 403, ecs('Ecs.0999'), 'create', 'AccessError'],
    ['408', 408, '', 'create', 'UnclearError'],
    ['409 on a read', 409, '{}', 'read', 'ConflictError'],
    ['409 on a create', 409, '{}', 'create', 'UnclearError'],
    ['429 without a body', 429, '', 'create', 'ThrottledError'],
    ['a redirect', 302, '<html>', 'create', 'ConfigError'],
    ['404 on a read', 404, '', 'read', 'NotFoundError'],
    ['404 of a balancer', 404, '<html>', 'delete', 'UnclearError'],
    ['404 of the gateway: no such API', 404, { error_code: 'APIG.0101', error_msg: 'The API does not exist' }, 'delete', 'ConfigError'],
    ['a server that is gone', 404, ecs('Ecs.0114'), 'delete', 'NotFoundError'],
    ['the other code for it', 404, ecs('Ecs.0614'), 'delete', 'NotFoundError'],
    ['404 on a create', 404, ecs('Ecs.0114'), 'create', 'ConfigError'],
    ['a function that is not there', 404, { error_code: 'FSS.1051', error_msg: 'Not found the function' }, 'invoke', 'ConfigError'],
    ['a locked server', 400, ecs('Ecs.0605'), 'delete', 'ConflictError'],
  ])('%s', (_, status, body, kind, name) => {
    expect(error(status, body, kind).name).toBe(name);
  });
});

describe('throttling', () => {
  it.each<[string, Record<string, string>, number]>([
    ['no hint: a minute', {}, 60_000],
    ['a hint', { 'retry-after': '7' }, 7_000],
    ['a hint of nothing', { 'retry-after': '0' }, 1_000],
    ['nonsense', { 'retry-after': 'soon' }, 60_000],
    ['less than nothing', { 'retry-after': '-30' }, 1_000],
    ['a fraction', { 'retry-after': '2.5' }, 2_500],
    ['nothing', { 'retry-after': '' }, 60_000],
    ['a number too many', { 'retry-after': '99999999999999999999' }, 3_600_000],
    ['a date', { 'retry-after': 'Mon, 23 Nov 2026 16:01:30 GMT', date: 'Mon, 23 Nov 2026 16:00:00 GMT' }, 90_000],
    ['a date that has passed', { 'retry-after': 'Mon, 23 Nov 2026 15:59:00 GMT', date: 'Mon, 23 Nov 2026 16:00:00 GMT' }, 1_000],
    ['a date without a clock beside it', { 'retry-after': 'Mon, 23 Nov 2026 16:01:30 GMT' }, 60_000],
    ['what only Date.parse takes for a date', { 'retry-after': '1 banana', date: 'Mon, 23 Nov 2026 16:00:00 GMT' }, 60_000],
    ['a hint of a day', { 'retry-after': '86400' }, 3_600_000],
  ])('%s', (_, headers, ms) => {
    const thrown = error(429, '', 'read', headers);
    expect(thrown instanceof ThrottledError && thrown.retryAfterMs).toBe(ms);
  });
});

describe('errors inside a 2xx', () => {
  const inside = (status: number, body: unknown) =>
    errorInside({ status, headers: {}, text: JSON.stringify(body) }, 'create', 'ecs.create');

  it.each<[string, unknown, string]>([
    ['flow control in a 202', ecs('Common.0024'), 'ThrottledError'],
    ['gateway style', { error_code: 'APIG.0308', error_msg: 'x' }, 'ThrottledError'],
    ['job query style', { code: 'Common.0011', message: 'x' }, 'ConfigError'],
    ['without a code', { error: { message: 'something' } }, 'UnclearError'],
    ['beside a job id', { job_id: 'j', ...ecs('Ecs.0001') }, 'QuotaError'],
  ])('%s', (_, body, name) => {
    expect(inside(202, body)).toMatchObject({ name });
  });

  it.each<[string, unknown]>([
    ['a created server', { job_id: 'j', serverIds: ['s'] }],
    ['a failed operation, which is an answer', { status: 'FAIL', job_id: 'j', error_code: 'Common.0021', fail_reason: 'x' }],
    ['a list', { count: 0, servers: [] }],
    ['an empty error member', { error: null, job_id: 'j' }],
    ['an array', []],
  ])('are not seen in %s', (_, body) => {
    expect(inside(200, body)).toBeUndefined();
  });
});

describe('codes of failed operations', () => {
  it.each<[string | undefined, string, string]>([
    ['Ecs.0219', 'SoldOutError', 'Ecs.0219'],
    ['Ecs.0001', 'QuotaError', 'Ecs.0001'],
    ['Ecs.0999', 'UnclearError', 'Ecs.0999'],
    [undefined, 'UnclearError', 'operation-failed'],
    ['odd', 'UnclearError', 'odd'],
  ])('%s', (code, name, expected) => {
    expect(errorOfCode(code, 'No valid host was found.', 'create', 'ecs.operation')).toMatchObject({ name, code: expected });
  });
});

describe('messages', () => {
  it('name the call, the code, the text and the status', () => {
    expect(error(400, ecs('Ecs.0319', 'Flavor s3.large.2 is sold out.')).message).toBe(
      'ecs.create: Ecs.0319 Flavor s3.large.2 is sold out. (HTTP 400)',
    );
  });
});
