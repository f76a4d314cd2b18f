import { describe, expect, it } from 'vitest';
import { parseLifecycle } from '../../../../deploy/clients/bucket.ts';
import { redactLine, redactUrls } from '../../../../lib/http/redact.ts';
import { obsError } from '../../../../lib/otc/obs/errors.ts';
import { elements, elementText, readPage } from '../../../../lib/otc/obs/xml.ts';

/** A megabyte of the same piece, between a beginning and an end. */
const much = (piece: string, begin = '', end = '') => begin + piece.repeat(Math.ceil(1_000_000 / piece.length)) + end;

/**
 * Processor time, which a busy machine does not lengthen. Each takes some milliseconds; where the time grew with the square of the length it
 * would be minutes.
 */
function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  try {
    work();
  } catch {}
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const LIST = '<ListBucketResult><IsTruncated>false</IsTruncated>';
const END = '</ListBucketResult>';

describe('a megabyte of XML that somebody made up', () => {
  it.each([
    { name: 'entries that do not end', read: () => readPage(much('<Contents>', LIST, END)) },
    { name: 'entries that do not end, with keys', read: () => readPage(much('<Contents><Key>a</Key>', LIST, END)) },
    { name: 'an end without a beginning', read: () => readPage(much('</Contents>', LIST, END)) },
    { name: 'keys that do not end', read: () => readPage(much('<Key>', `${LIST}<Contents>`, `</Contents>${END}`)) },
    { name: 'tags that do not end', read: () => readPage(much('<Key ', `${LIST}<Contents>`, `</Contents>${END}`)) },
    { name: 'one tag of blanks', read: () => elementText(much(' ', '<Key'), 'Key') },
    { name: 'tags that end, and text without one', read: () => elementText(much('<Key a="b">text'), 'Key') },
    { name: 'markers that do not end', read: () => readPage(much('<IsTruncated', '', END)) },
    { name: 'half entities', read: () => elementText(much('&#x', '<Key>', '</Key>'), 'Key') },
    { name: 'rules that do not end', read: () => parseLifecycle(much('<Rule>')) },
    {
      name: 'codes that do not end',
      read: () => obsError({ status: 500, headers: {}, text: much('<Code ', '<Error>') }, 'other', 'obs.get'),
    },
    {
      name: 'a message of addresses',
      read: () =>
        obsError({ status: 500, headers: {}, text: `<Error><Code>x</Code><Message>${much('http://')}</Message></Error>` }, 'other', 'x'),
    },
    { name: 'addresses for an error', read: () => redactLine(much('http://')) },
    { name: 'addresses for the log', read: () => redactUrls(much('://a')) },
  ])('$name: no more than its length costs', ({ read }) => {
    expect(cpuMs(read)).toBeLessThan(1_500);
  });

  it('a page that is longer than any list is refused unread', () => {
    expect(() => readPage(`${LIST}${'x'.repeat(17 * 1024 * 1024)}${END}`)).toThrow(/too long/);
  });
});

describe('elements', () => {
  it('are those that end, in order', () => {
    expect(elements('<a>1</a> <b>2</b><a></a><a>3<a>4</a></a><a>5', 'a')).toEqual(['1', '', '3<a>4']);
  });
});

describe('the text of an error without a code', () => {
  it.each([
    {
      name: 'a redirect says where to, without what may be secret',
      answer: { status: 302, headers: { location: 'https://login.example/in?token=secret' }, text: '<html>moved</html>' },
      message: 'obs.get: HTTP 302, sent on to login.example: is otc.endpoints.obs right, or is a proxy in between?',
    },
    {
      name: 'a redirect to nowhere',
      answer: { status: 301, headers: {}, text: '' },
      message: /^obs\.get: HTTP 301, sent on to another address:/,
    },
    {
      name: "a balancer's page",
      answer: { status: 502, headers: {}, text: '<html>Bad gateway</html>' },
      message: 'obs.get: HTTP 502 and a page that is not of OBS: is a proxy in between?',
    },
    { name: 'nothing, as to a HEAD', answer: { status: 403, headers: {}, text: '' }, message: 'obs.get: HTTP 403' },
    {
      name: 'an error of OBS, as ever',
      answer: { status: 403, headers: {}, text: '<Error><Code>InvalidAccessKeyId</Code><Message>No such key.</Message></Error>' },
      message: 'obs.get: InvalidAccessKeyId No such key. (HTTP 403)',
    },
  ])('$name', ({ answer, message }) => {
    const said = obsError(answer, 'other', 'obs.get').message;
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });
});
