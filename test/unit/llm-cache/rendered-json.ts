/** What `JSON.parse` makes. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Maps of JSON Schemas, whose order is kept. */
const ORDERED: readonly string[] = ['properties', 'patternProperties', '$defs', 'definitions'];

/** One of the many JSON texts of a value: order, spaces, numbers and escapes are up to the seed. */
export function render(value: Json, seed: number): string {
  let state = seed;
  /** From 0 to below the limit; the generator "mulberry32". */
  const pick = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % limit;
  };
  const oneOf = <T>(first: T, ...others: readonly T[]): T =>
    [first, ...others][pick(others.length + 1)] ?? first;

  const space = (): string => oneOf('', '', ' ', '\n', '\t\r\n ');
  const spaced = (text: string): string => space() + text + space();

  const ofNumber = (number: number): string => {
    const plain = Object.is(number, -0) ? '-0' : JSON.stringify(number);
    if (!Number.isInteger(number)) return oneOf(plain, number.toExponential());
    // No number but 0 begins with a 0.
    const tenfold = number === 0 ? '0.0E1' : `${plain}0E-1`;
    return oneOf(plain, `${plain}.0`, `${plain}e0`, `${plain}.00e+0`, tenfold);
  };

  const ofString = (text: string): string => {
    const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
    const escape = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
    const isPlain = pick(2) === 0;
    return isPlain ? JSON.stringify(text) : `"${units.map(escape).join('')}"`;
  };

  const of = (item: Json, isOrdered: boolean): string => {
    if (typeof item === 'number') return ofNumber(item);
    if (typeof item === 'string') return ofString(item);
    if (typeof item !== 'object' || item === null) return String(item);
    if (Array.isArray(item)) return `[${item.map((inner) => spaced(of(inner, false))).join(',')}]`;
    const members = Object.entries(item).map(([name, inner]) => {
      const text = `${ofString(name)}${space()}:${spaced(of(inner, ORDERED.includes(name)))}`;
      return { text: space() + text, rank: isOrdered ? 0 : pick(1000) };
    });
    const order = members.toSorted((one, other) => one.rank - other.rank);
    return `{${order.map(({ text }) => text).join(',')}}`;
  };
  return spaced(of(value, false));
}
