import { MAX_JSON_DEPTH } from './key/canonical-json.js';

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

const ESCAPED_UNIT = 0x75;
const ESCAPABLE: ReadonlySet<number | undefined> = new Set(Buffer.from('"\\/bfnrt'));
const HEX_DIGITS = /^[\dA-Fa-f]{4}$/;
const NUMBER_OR_WORD = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?|true|false|null)$/;

/**
 * Where the value of a member stands in a JSON text, to the byte, without building the objects.
 * Of several members of one name the last one counts, as in `JSON.parse`.
 *
 * @param json may go on behind the object
 * @param path names from the outermost object inwards
 * @returns `undefined` if there is none, or no valid JSON, or nesting deeper than
 * {@link MAX_JSON_DEPTH}
 */
export function locateMember(json: Buffer, path: readonly string[]): ByteRange | undefined {
  let found: ByteRange | undefined;
  let start = skipSpace(json, 0);
  for (const name of path) {
    found = memberOf(json, start, name);
    if (found === undefined) return undefined;
    start = found.start;
  }
  return found;
}

/**
 * The JSON text of an object without its members of this name, the others as they were written;
 * the text itself if it is no object.
 */
export function withoutMember(json: Buffer, name: string): Buffer {
  const start = skipSpace(json, 0);
  if (json[start] !== OPEN_OBJECT) return json;
  const kept: string[] = [];
  let isThere = false;
  const end = endOfObject(json, start, 0, (nameStart, nameEnd, value) => {
    if (nameOf(json, nameStart, nameEnd) === name) isThere = true;
    else kept.push(json.toString('utf8', nameStart, value.end));
  });
  return end === undefined || !isThere ? json : Buffer.from(`{${kept.join(',')}}`);
}

function memberOf(json: Buffer, start: number, name: string): ByteRange | undefined {
  if (json[start] !== OPEN_OBJECT) return undefined;
  let found: ByteRange | undefined;
  const end = endOfObject(json, start, 0, (nameStart, nameEnd, value) => {
    if (nameOf(json, nameStart, nameEnd) === name) found = value;
  });
  return end === undefined ? undefined : found;
}

function nameOf(json: Buffer, start: number, end: number): string {
  const literal = json.toString('utf8', start, end);
  return literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1);
}

type OnMember = (nameStart: number, nameEnd: number, value: ByteRange) => void;

// Each of these takes the place where its part begins and returns the one behind it, `undefined`
// if it is no such part.

function endOfObject(
  json: Buffer,
  start: number,
  depth: number,
  onMember?: OnMember,
): number | undefined {
  return endOfList(json, start, CLOSE_OBJECT, (nameStart) => {
    const nameEnd = endOfString(json, nameStart);
    if (nameEnd === undefined) return undefined;
    const colon = skipSpace(json, nameEnd);
    if (json[colon] !== COLON) return undefined;
    const valueStart = skipSpace(json, colon + 1);
    const valueEnd = endOfValue(json, valueStart, depth + 1);
    if (valueEnd !== undefined)
      onMember?.(nameStart, nameEnd, { start: valueStart, end: valueEnd });
    return valueEnd;
  });
}

function endOfList(
  json: Buffer,
  start: number,
  close: number,
  endOfItem: (at: number) => number | undefined,
): number | undefined {
  let at = skipSpace(json, start + 1);
  if (json[at] === close) return at + 1;
  for (;;) {
    const end = endOfItem(at);
    if (end === undefined) return undefined;
    const next = skipSpace(json, end);
    if (json[next] === close) return next + 1;
    if (json[next] !== COMMA) return undefined;
    at = skipSpace(json, next + 1);
  }
}

function endOfValue(json: Buffer, start: number, depth: number): number | undefined {
  if (depth > MAX_JSON_DEPTH) return undefined;
  switch (json[start]) {
    case QUOTE:
      return endOfString(json, start);
    case OPEN_OBJECT:
      return endOfObject(json, start, depth);
    case OPEN_ARRAY:
      return endOfList(json, start, CLOSE_ARRAY, (at) => endOfValue(json, at, depth + 1));
    default:
      return endOfNumberOrWord(json, start);
  }
}

function endOfString(json: Buffer, start: number): number | undefined {
  if (json[start] !== QUOTE) return undefined;
  for (let at = start + 1; at < json.length; at += 1) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte < SPACE) return undefined;
    if (byte === BACKSLASH) {
      at += 1;
      if (ESCAPABLE.has(json[at])) continue;
      if (json[at] !== ESCAPED_UNIT) return undefined;
      if (!HEX_DIGITS.test(json.toString('latin1', at + 1, at + 5))) return undefined;
      at += 4;
    }
  }
  return undefined;
}

function endOfNumberOrWord(json: Buffer, start: number): number | undefined {
  let end = start;
  while (end < json.length && !endsNumberOrWord(json[end])) end += 1;
  const text = json.toString('latin1', start, end);
  return NUMBER_OR_WORD.test(text) ? end : undefined;
}

const endsNumberOrWord = (byte: number | undefined): boolean =>
  byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || isSpace(byte);

const isSpace = (byte: number | undefined): boolean =>
  byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  while (isSpace(json[at])) at += 1;
  return at;
}
