import { describeWord } from './describe-value.js';
import type { OptionProblems } from './option-problems.js';

/*
 * LiteLLM's settings are text as often as not: environment variables, and YAML with quotes. These
 * read them as LiteLLM does; what they cannot read they leave as it is, for the checks to report.
 */

/** `undefined` for what LiteLLM takes as "not set": null and the empty string. */
export function trimmed(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? undefined;
  return value.trim() === '' ? undefined : value.trim();
}

/** `"6380"` is 6380. */
export function wholeNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
}

/** `"True"` is true; adds a problem when it is no boolean. */
export function booleanSetting(
  value: unknown,
  path: string,
  problems: OptionProblems,
): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  const word = typeof value === 'string' ? value.toLowerCase() : undefined;
  if (word === 'true' || word === 'false') return word === 'true';
  problems.add(path, 'true or false', describeWord(value), 'leave it out for true');
  return undefined;
}

/** LiteLLM's switch for Entra. Off would mean a password, which this package never sends. */
export function checkEntraSwitch(value: unknown, path: string, problems: OptionProblems): void {
  if (value === undefined || value === true) return;
  if (typeof value === 'string' && value.toLowerCase() === 'true') return;
  problems.add(
    path,
    '"true" or nothing',
    describeWord(value),
    'this package connects with Entra ID only: set it to "true" or remove it',
  );
}

/** Seconds, as text or number, in milliseconds; adds a problem when it is no time to live. */
export function secondsAsMs(
  value: unknown,
  path: string,
  problems: OptionProblems,
): number | undefined {
  if (value === undefined) return undefined;
  const seconds = wholeNumber(value);
  if (typeof seconds === 'number' && seconds > 0 && Number.isFinite(seconds)) {
    return Math.ceil(seconds * 1000);
  }
  problems.add(path, 'a number of seconds above 0', describeWord(value), 'leave it out for 1 hour');
  return undefined;
}
