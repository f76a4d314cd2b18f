import * as z from 'zod/mini';

/**
 * Import this before anything that makes a schema. zod turns each object schema into code at its first use; a process that parses a few kilobytes
 * and may be gone a minute later never gets that time back. It was a third of a new instance's first call.
 */
z.config({ jitless: true });
