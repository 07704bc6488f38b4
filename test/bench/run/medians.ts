/** `undefined` without values. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

/** From the least to the most, as a part of the median. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (middle === undefined || middle === 0) return 0;
  return (Math.max(...values) - Math.min(...values)) / Math.abs(middle);
}
