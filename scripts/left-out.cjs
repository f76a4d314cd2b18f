/*
 * Stands in a bundle for packages whose code cannot run there; scripts/bundles.ts names them and says why. Whoever calls it after all is told.
 */
function leftOut() {
  throw new Error('this library is left out of the bundles, see scripts/bundles.ts');
}

// All names under which the packages are imported. `CacheError` is asked for with `instanceof`.
module.exports = Object.assign(leftOut, {
  CacheError: leftOut,
  RateLimiterMemory: leftOut,
  RateLimiterQueue: leftOut,
  isMatch: leftOut,
  auto: leftOut,
});
