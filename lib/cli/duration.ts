import { UsageError } from './usage-error.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `1500ms`, `60s`, `5m`, `1h` in milliseconds; a number without a unit is refused, not guessed. */
export function readDuration(
  flag: string,
  text: string,
  { min, max }: { min: number; max: number },
): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text);
  const ms =
    match === null ? Number.NaN : Math.round(Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0));
  if (ms >= min && ms <= max) return ms;
  const came = /^[\d.]{1,12}$/.test(text)
    ? `${text} without a unit`
    : Number.isNaN(ms)
      ? 'something else'
      : text;
  throw new UsageError(
    `--${flag}: expected a time from ${showDuration(min)} to ${showDuration(max)}, got ${came}; ` +
      'write e.g. 1500ms, 60s, 5m or 1h.',
  );
}

/** In the largest unit that leaves a whole number. */
export function showDuration(ms: number): string {
  const [unit = 'ms', size = 1] =
    Object.entries(UNITS)
      .toReversed()
      .find(([, each]) => ms >= each && ms % each === 0) ?? [];
  return `${ms / size}${unit}`;
}
