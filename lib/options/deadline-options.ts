import { DEFAULT_DEADLINES } from './azure-redis-options.defaults.js';
import type { OptionReader } from './option-reader.js';

/** Node fires a timer with a longer delay at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Adds what is wrong with `options.deadlines`. */
export function checkDeadlines(options: OptionReader): void {
  const deadlines = options.section('deadlines', 'an object', 'leave it out for the defaults');
  deadlines?.rejectUnknownNames(Object.keys(DEFAULT_DEADLINES));
  for (const [name, byDefault] of Object.entries(DEFAULT_DEADLINES)) {
    if (deadlines !== undefined) checkDeadline(deadlines, name, byDefault);
  }
}

export function checkDeadline(options: OptionReader, name: string, byDefault: number): void {
  options.integer(name, {
    min: 1,
    max: MAX_TIMER_MS,
    expected: `a whole number of milliseconds from 1 to ${MAX_TIMER_MS}`,
    advice: `leave it out for ${byDefault}`,
  });
}
