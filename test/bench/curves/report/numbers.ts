const KB = 1_024;
const MB = KB * KB;

/** `100 KB`, `1 MB`: sizes of the curves are round. */
export function bytes(value: number): string {
  return value < MB ? `${value / KB} KB` : `${value / MB} MB`;
}

/** Three digits say more than the spread allows. */
export const short = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3 });

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact' });

/** `10K`. */
export const compact = (value: number): string => COMPACT.format(value);
