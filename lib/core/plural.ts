/** The word for this many: `many` where it is not `one` with an s. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return n === 1 ? one : many;
}

/** The number with its word: `1 worker`, `4 workers`, `1 is on its way`. */
export function counted(n: number, one: string, many?: string): string {
  return `${n} ${plural(n, one, many)}`;
}

/** Workers or machines that are ordered and not there yet. */
export function onTheirWay(n: number): string {
  return counted(n, 'on its way', 'on their way');
}
