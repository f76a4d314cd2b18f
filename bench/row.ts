/** One line of the result. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: 'kB' | 'ms' | 's' | 'MB' | '/s' | '';
  /** What it is held against; absent: shown only. */
  readonly against?: Against;
  /** Sizes and counts must hold; times depend on the machine and are only reported. */
  readonly must: boolean;
  readonly note?: string;
}

/** `peer`: a figure of the peer, or of the build that `of` names, and the factor that ours must keep to it. `most` and `least` are bounds of our own. */
export type Against =
  | { readonly kind: 'most' | 'least' | 'exactly'; readonly value: number }
  | { readonly kind: 'peer'; readonly of?: string; readonly value: number; readonly most?: number; readonly least?: number };

/** A part of the benchmark: a heading and its lines. */
export interface Section {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** Ours divided by the value to compare with; `undefined` without one. */
export function ratioOf({ value, against }: Row): number | undefined {
  return against && against.value !== 0 ? value / against.value : undefined;
}

/** Whether the line keeps what it must; `undefined` for lines that are only shown. */
export function holds(row: Row): boolean | undefined {
  const { value, against } = row;
  if (!against || Number.isNaN(value)) return against ? false : undefined;
  switch (against.kind) {
    case 'most':
      return value <= against.value;
    case 'least':
      return value >= against.value;
    case 'exactly':
      return value === against.value;
    case 'peer':
      return againstPeer(value / against.value, against);
  }
}

function againstPeer(ratio: number, { most, least }: Extract<Against, { kind: 'peer' }>): boolean | undefined {
  if (most === undefined && least === undefined) return undefined;
  return ratio <= (most ?? Number.POSITIVE_INFINITY) && ratio >= (least ?? 0);
}
