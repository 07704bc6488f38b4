/** Powers of ten that a double holds exactly. */
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** A decimal of so many digits survives every normal float32, so that fewer need no look. */
const SAFE_DIGITS = 6;

/** So many digits tell all float32 apart. */
const MAX_DIGITS = 9;

/** Where every decimal of up to {@link MAX_DIGITS} digits is a quotient of two exact doubles. */
const QUOTIENTS = { from: 1e-14, to: 1e6 };

/**
 * The number with the shortest decimal among all that are the same float32: 0.1, where the
 * float32 as a double would be printed as 0.10000000149011612. (2^-96, 2^87 and 2^90 get one
 * digit more: their shortest decimal is not their nearest of that length.)
 *
 * `toPrecision()` would do, but an answer has some 300,000 of these numbers and the event loop
 * does nothing else meanwhile. IEEE 754 rounds a quotient of exact numbers correctly: it is the
 * very double that a parser makes of the decimal.
 *
 * @param value finite, a float32
 */
export function shortestDecimal(value: number): number {
  const size = Math.abs(value);
  if (size < QUOTIENTS.from || size >= QUOTIENTS.to) return bySearch(value);
  let decimals = 0;
  while (size * powerOfTen(decimals) < 10 ** (SAFE_DIGITS - 1)) decimals++;
  for (let digits = SAFE_DIGITS; digits <= MAX_DIGITS; digits++, decimals++) {
    const scale = powerOfTen(decimals);
    const decimal = Math.round(size * scale) / scale;
    if (Math.fround(decimal) === size) return Math.sign(value) * decimal;
  }
  return value;
}

function powerOfTen(exponent: number): number {
  return POWERS_OF_TEN[exponent] ?? Number.NaN;
}

function bySearch(value: number): number {
  if (value === 0) return value;
  for (let digits = 1; digits < MAX_DIGITS; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return Number(value.toPrecision(MAX_DIGITS));
}
