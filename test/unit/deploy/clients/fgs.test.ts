import { afterEach, expect, it } from 'vitest';
import { FunctionGraphAdmin } from '../../../../deploy/clients/fgs.ts';
import { SecretCredentials } from '../../../../lib/otc/credentials.ts';
import { OtcHttp } from '../../../../lib/otc/http.ts';
import { type ScriptedServer, scriptedServer } from '../../otc/scripted-server.ts';

let server: ScriptedServer;
afterEach(() => server.close());

async function updateCode(status: number, error_code: string): Promise<void> {
  server = await scriptedServer([{ status, body: { error_code, error_msg: 'text' } }]);
  const http = new OtcHttp({ credentials: new SecretCredentials('AK', 'SK'), projectId: 'p1', clock: { now: () => 0 }, backoffMs: 1 });
  await new FunctionGraphAdmin({ http, endpoint: server.url, projectId: 'p1' }).updateCode('urn:fss:eu-de:p1:function:default:f', {});
}

it.each([409, 400])('code that is there already is success, with HTTP %i', async (status) => {
  await expect(updateCode(status, 'FSS.0409')).resolves.toBeUndefined();
});

it('another conflict is none: the old code still runs', async () => {
  await expect(updateCode(409, 'FSS.1061')).rejects.toThrow('fgs.code-update: FSS.1061');
});
