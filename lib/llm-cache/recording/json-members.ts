export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const WHITE_SPACE: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Where the value of a member stands in a JSON text, to the byte. Of several members of one name
 * the last one counts, as in `JSON.parse`.
 *
 * @param json may go on behind the text
 * @param path names from the outermost object inwards
 * @returns `undefined` if there is none, or no valid JSON before it
 */
export function locateMember(json: Buffer, path: readonly string[]): ByteRange | undefined {
  let range: ByteRange | undefined = { start: skipSpace(json, 0), end: json.length };
  for (const name of path) {
    if (range === undefined) return undefined;
    range = memberOf(json, range.start, name);
  }
  return range;
}

function memberOf(json: Buffer, start: number, name: string): ByteRange | undefined {
  if (json[start] !== OPEN_OBJECT) return undefined;
  let found: ByteRange | undefined;
  let at = skipSpace(json, start + 1);
  while (json[at] === QUOTE) {
    const nameEnd = endOfString(json, at);
    const colon = skipSpace(json, nameEnd);
    if (json[colon] !== COLON) return undefined;
    const valueStart = skipSpace(json, colon + 1);
    const valueEnd = endOfValue(json, valueStart);
    if (valueEnd === valueStart) return undefined;
    if (nameOf(json, at, nameEnd) === name) found = { start: valueStart, end: valueEnd };
    const next = skipSpace(json, valueEnd);
    if (json[next] !== COMMA) return found;
    at = skipSpace(json, next + 1);
  }
  return found;
}

function nameOf(json: Buffer, start: number, end: number): string | undefined {
  const literal = json.toString('utf8', start, end);
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return undefined;
  }
}

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  while (WHITE_SPACE.has(json[at])) at += 1;
  return at;
}

/** Behind the closing quote. */
function endOfString(json: Buffer, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, json.length);
}

function endOfValue(json: Buffer, from: number): number {
  if (json[from] === QUOTE) return endOfString(json, from);
  let depth = 0;
  let at = from;
  while (at < json.length) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = endOfString(json, at);
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || WHITE_SPACE.has(byte))) return at;
    at += 1;
  }
  return at;
}
