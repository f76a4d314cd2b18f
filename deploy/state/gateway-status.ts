interface Living {
  readonly status: string;
}

/*
 * Where a dedicated gateway is in its life, by the words of OTC's API Gateway API reference V2, "Querying Dedicated Gateway Details". What is none of
 * these (Updating, Unhealthy, Frozen …) is left alone until it runs again.
 */

export function isRunning({ status }: Living): boolean {
  return /^running$/i.test(status);
}

export function isBeingMade({ status }: Living): boolean {
  return /^(creating|createsuccess|initing|registering|installing)$/i.test(status);
}

/** It never ran. */
export function wasNotMade({ status }: Living): boolean {
  return /^(create|init|initing|register|install)(fail|failed|timeout)$/i.test(status);
}

/** It is being deleted. */
export function isGoing({ status }: Living): boolean {
  return /^(deleting|unregistering)$/i.test(status);
}
