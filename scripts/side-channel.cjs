/*
 * Stands in a bundle for the package side-channel: what qs notes about an object without touching it. The original brings a dozen packages
 * (object-inspect, get-intrinsic …) for engines without WeakMap.
 */
module.exports = function sideChannel() {
  const objects = new WeakMap();
  const others = new Map();
  const at = (key) => (Object(key) === key ? objects : others);
  return {
    assert(key) {
      if (!at(key).has(key)) throw new TypeError('Side channel does not contain the given key');
    },
    delete: (key) => at(key).delete(key),
    get: (key) => at(key).get(key),
    has: (key) => at(key).has(key),
    set(key, value) {
      at(key).set(key, value);
    },
  };
};
