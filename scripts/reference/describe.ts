import type * as z from 'zod';
import type { Names } from './words.ts';

/** What the schema does not say of a key. */
export interface Description {
  /** Markdown, of one line. */
  readonly means: string;
  /** The name of the same thing in docker+machine's world. */
  readonly before?: string;
  /**
   * What holds where the key is absent and the schema has no default, because the code fills it in: the value that says the same (a test
   * tries it), or words.
   */
  readonly absent?: { readonly value: unknown } | string;
}

/** A file that people write, and all that its reference needs. */
export interface FileReference {
  /** Of the page, below docs/reference. */
  readonly page: string;
  /** Of the JSON Schema for editors, beside it. */
  readonly schema?: string;
  readonly title: string;
  /** What stands above the tables. */
  readonly introduction: string;
  readonly root: z.ZodObject;
  readonly names: Names;
  /** Of every key, by its path, such as `pools[].limit`. */
  readonly keys: Readonly<Record<string, Description>>;
  /** What stands above the table of a section, by its path. */
  readonly notes: Readonly<Record<string, string>>;
}
