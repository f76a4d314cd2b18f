import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** A worker that goes over to another project starts anew; so they are run one after the other. The last has the shortest files. */
const PROJECTS = ['processes', 'real', 'machines', 'integration', 'property', 'unit'];
/** Files that run for half a minute or more, longest first, because their size does not show it. */
const LONG = [
  ...['deploy', 'tutorial', 'deploy-cuts', 'cli'].map((name) => `/test/integration/${name}.test.ts`),
  ...['browser/dashboard', 'real/rendered', 'real/radosgw', 'real/manager/mirror-clones'].map((name) => `/test/${name}.test.ts`),
  ...['chaos', 'faults', 'cuts', 'peers', 'lifecycle', 'series'].map((name) => `/test/integration/${name}.test.ts`),
];

/** Files that run for long come first, so that all workers end at about the same time. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const keyed = files.map((file) => {
      const at = LONG.findIndex((name) => file.moduleId.endsWith(name));
      return { file, project: PROJECTS.indexOf(file.project.name), long: at < 0 ? LONG.length : at, size: statSync(file.moduleId).size };
    });
    return keyed.sort((a, b) => a.project - b.project || a.long - b.long || b.size - a.size).map(({ file }) => file);
  }
}
