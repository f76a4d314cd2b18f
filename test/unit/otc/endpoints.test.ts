import { describe, expect, it } from 'vitest';
import { endpoints } from '../../../lib/otc/endpoints.ts';

describe('endpoints', () => {
  it('follow the pattern of OTC', () => {
    expect(endpoints({ region: 'eu-nl' })).toEqual({
      ecs: 'https://ecs.eu-nl.otc.t-systems.com',
      ims: 'https://ims.eu-nl.otc.t-systems.com',
      iam: 'https://iam.eu-nl.otc.t-systems.com',
      vpc: 'https://vpc.eu-nl.otc.t-systems.com',
      obs: 'https://obs.eu-nl.otc.t-systems.com',
      functiongraph: 'https://functiongraph.eu-nl.otc.t-systems.com',
    });
  });

  it('take another domain and single replacements', () => {
    const urls = endpoints({ region: 'eu-ch2', domain: 'sc.example', overrides: { functiongraph: 'http://127.0.0.1:9000/fg/' } });
    expect(urls.ecs).toBe('https://ecs.eu-ch2.sc.example');
    expect(urls.functiongraph).toBe('http://127.0.0.1:9000/fg');
  });

  it.each([
    ['no URL', 'ecs.example'],
    ['another protocol', 'ftp://ecs.example'],
    ['a query', 'https://ecs.example?x=1'],
    ['a password', 'https://me:secret@ecs.example'],
  ])('refuse %s, without repeating it', (_, text) => {
    const attempt = () => endpoints({ region: 'eu-de', overrides: { ecs: text } });
    expect(attempt).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'endpoint-invalid' }));
    expect(attempt).not.toThrow(/secret/);
  });
});
