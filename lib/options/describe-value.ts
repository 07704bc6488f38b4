/**
 * What came instead of what was expected, as words. A string is described by its length only:
 * nobody knows which option a secret was pasted into.
 */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return describeText(value);
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  if ('then' in value && typeof value.then === 'function') return 'a Promise';
  return 'an object';
}

/**
 * Like {@link describeValue}, but shows a string that reads like a word or a number. Only for
 * options with a small set of values, where a secret has no business and the typo helps.
 */
export function describeWord(value: unknown): string {
  return typeof value === 'string' && /^([a-z][a-z0-9_-]{0,23}|[\d.+-]{1,10})$/i.test(value)
    ? `"${value}"`
    : describeValue(value);
}

/** A name from the user's side of the fence, e.g. a YAML key: quoted, on one line, bounded. */
export function quoteName(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}

/** `a, b or c` */
export function listed(words: readonly string[], conjunction = 'or'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${conjunction} ${words.at(-1)}`;
}

function describeText(text: string): string {
  if (text === '') return 'an empty string';
  if (text.trim() === '') return 'a blank string';
  return `a string of ${text.length} character${text.length === 1 ? '' : 's'}`;
}
