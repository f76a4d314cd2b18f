import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { doctorServices, subjectOf } from '../../../../cli/doctor/adapters.ts';
import { checkConfiguration } from '../../../../lib/app/doctor/checks/access.ts';
import { createContext } from '../../../../lib/app/doctor/context.ts';
import { loadConfigText } from '../../../../lib/config/load/yaml.ts';
import { readSecrets } from '../../../../lib/config/secrets.ts';
import { systemClock } from '../../../../lib/runtime/clock.ts';
import { withValue } from '../../config/base.ts';

it('doctor names the file that it was given, with line and column', async () => {
  const config = loadConfigText(stringify(withValue('gitlab.url', 'http://gitlab.example.com')), 'yaml');
  const subject = subjectOf(config, { file: 'farms/bake.yml', probe: false });
  const keys: Readonly<Record<string, string>> = { GITLAB_TOKEN: 'glpat-x', OTC_ACCESS_KEY: 'x', OTC_SECRET_KEY: 'x' };
  const world = doctorServices({ config, secrets: readSecrets((key) => keys[key]), clock: systemClock });
  expect(await checkConfiguration(createContext(subject, world, {}))).toMatchObject([
    {
      found: expect.stringMatching(/^farms\/bake\.yml:2:3: gitlab\.url: is not encrypted/),
      todo: expect.stringContaining('change it in farms/bake.yml'),
    },
  ]);
});
