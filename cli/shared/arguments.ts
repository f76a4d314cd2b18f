import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

/* Options and values that several commands share. A value that is refused is a mistake of the call; commander prints the message. */
export function timezone(description: string) {
  return new Option('--timezone <name>', description).default(Intl.DateTimeFormat().resolvedOptions().timeZone, "this machine's");
}

/** The beginning of a span of time. */
export function from() {
  return new Option('--from <when>', 'beginning: a day, a time, -7d, -12h, today or yesterday').default('today');
}

export function to() {
  return new Option('--to <when>', 'end: likewise; a day means its end').default('now');
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** The first of so many ports in a row. */
export function portNumber(ports: number): (text: string) => number {
  const last = 65_536 - ports;
  return (text) => {
    const number = wholeNumber(text);
    if (number > last) throw new InvalidArgumentError(`It must be from 0 to ${last}.`);
    return number;
  };
}

export function atLeastOne(text: string): number {
  const number = wholeNumber(text);
  // Beyond this Node's timers fire at once.
  if (number < 1 || number > 2_000_000) throw new InvalidArgumentError('It must be from 1 to 2000000.');
  return number;
}
