import fc from 'fast-check';

/** Hundreds of mutants are tried: few runs, always the same, so that the score does not waver. */
fc.configureGlobal({ numRuns: 25, seed: 1 });
