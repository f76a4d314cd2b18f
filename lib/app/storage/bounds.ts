import * as z from 'zod/mini';

/** The end of the year 9999: a later time has no ISO 8601 text of 20 characters, and one beyond ±8.64e15 is no time at all to `Date`. */
const LAST = 253_402_300_799_999;

/** Milliseconds since 1970, as they are read back from the bucket: any of them can be written as text. */
export const Time = z.number().check(z.gte(0), z.lte(LAST));

/** How many there are of something. */
export const Count = z.int().check(z.gte(0));
