import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildDashboard, compressedSize, DASHBOARD_KB } from './dashboard.ts';

/** Writes the page below `dist`. Throws when it has grown beyond its limit. */
export async function writeDashboard(dist: string): Promise<void> {
  const files = await buildDashboard();
  const bytes = compressedSize(files);
  if (bytes > DASHBOARD_KB * 1000) throw new Error(`the dashboard has ${bytes} bytes compressed, more than ${DASHBOARD_KB} kB`);
  const folder = join(dist, 'dashboard');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'assets'), { recursive: true });
  for (const { path, contents } of files) writeFileSync(join(folder, path), contents);
  console.log(`dashboard: ${(bytes / 1000).toFixed(1)} kB compressed`);
}
