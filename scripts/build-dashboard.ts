/** Builds the dashboard alone into dist/dashboard/, which `npm start` needs: `tsx scripts/build-dashboard.ts`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDashboard } from './write-dashboard.ts';

await writeDashboard(join(fileURLToPath(new URL('..', import.meta.url)), 'dist'));
