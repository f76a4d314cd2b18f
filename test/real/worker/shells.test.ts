import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { renderWorkerUserData } from '../../../cloud-init/worker/worker.ts';
import { WORKER } from '../../../testkit/settings.ts';
import { fileIn, parseUserData } from '../../../testkit/user-data.ts';

it('scripts are correct sh and bash', () => {
  const scripts = parseUserData(renderWorkerUserData(WORKER)).write_files.filter(({ content }) =>
    /^(?:#!\/bin\/sh|# Settings)\b/.test(content),
  );
  expect(scripts).toHaveLength(8);
  for (const { path, content } of scripts) {
    for (const shell of ['sh', 'bash']) {
      const { status, stderr } = spawnSync(shell, ['-n'], { input: content, encoding: 'utf8' });
      expect({ path, status, stderr }).toEqual({ path, status: 0, stderr: '' });
    }
  }
});

it("a worker's settings are quoted for the shell", () => {
  const odd = { server: "a'b", export: '/c $(id) `id` "x" \\', access: 'ro', required: false } as const;
  const settings = fileIn(renderWorkerUserData({ ...WORKER, cache: odd }), '/etc/gl-scaler/worker.env');
  const prints = `printf '%s\\n' "$CACHE_SERVER" "$CACHE_EXPORT" "$CACHE_ACCESS" "$CACHE_REQUIRED" "$WORKER_NAME" "$EXECUTOR"`;
  const { stdout } = spawnSync('sh', ['-eu'], { input: settings + prints, encoding: 'utf8' });
  expect(stdout.split('\n')).toEqual([odd.server, odd.export, 'ro', 'false', WORKER.workerName, 'docker', '']);
});
