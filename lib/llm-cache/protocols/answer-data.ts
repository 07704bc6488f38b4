import { isJsonObject } from '../json-object.js';

const THINKING: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking', 'reasoning']);

/** A complete answer of some APIs carries `error: null`. */
export function isError(answer: unknown): boolean {
  return isJsonObject(answer) && answer['error'] !== undefined && answer['error'] !== null;
}

export const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== false;

/** A content without a word, or a list of such; thinking alone is no answer. */
export const isEmptyOutput = (value: unknown): boolean =>
  Array.isArray(value) ? value.every(isEmptyPart) : isEmptyPart(value);

function isEmptyPart(part: unknown): boolean {
  if (!isJsonObject(part)) return !isSet(part) || part === '';
  if (THINKING.has(part['type'])) return true;
  const isText = part['type'] === 'text' || 'text' in part;
  return isText && (!isSet(part['text']) || part['text'] === '');
}
