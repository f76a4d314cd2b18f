/** What machines cost per hour, by flavor, in one currency. */
export interface Costs {
  readonly currency: string;
  readonly flavors: Readonly<Record<string, number>>;
}

/** Price of all these machines per hour; `undefined` without prices, and when one of them has none: a sum that leaves some out would mislead. */
export function hourlyCost(machines: readonly { readonly flavor: string }[], costs: Costs | undefined): number | undefined {
  if (!costs) return undefined;
  const prices = machines.map(({ flavor }) => costs.flavors[flavor]);
  return prices.some((price) => price === undefined) ? undefined : prices.reduce<number>((sum, price) => sum + (price ?? 0), 0);
}
