import type { Path } from './problems.ts';

/** What no single value shows. Errors refuse the file; warnings are things that work, but probably not as meant. */
export interface Finding {
  readonly level: 'error' | 'warning';
  readonly path: Path;
  readonly message: string;
}

export type Add = (level: Finding['level'], path: Path, message: string) => void;
