import { isJsonObject, type JsonObject } from '../json-object.js';

/** Deepest nesting of a body that can be cached; a bound for whoever walks through it. */
export const MAX_JSON_DEPTH = 200;

/** Code units of a piece, about. What is made of one piece takes well below a millisecond. */
const PIECE_LENGTH = 65_536;

/**
 * Maps from user-chosen names to JSON Schemas. A model writes the members of a structured
 * output in the order of its schema, so two orders are two requests.
 */
const ORDERED_MAPS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
]);

/** Members to leave out of an object, and of the objects inside its members (or their items). */
export interface OmittedFields {
  readonly names: ReadonlySet<string>;
  readonly within?: ReadonlyMap<string, OmittedFields>;
}

/**
 * One text for all spellings of a JSON value: members sorted by name except in JSON Schema
 * maps, items in order, numbers in their shortest form (`0` = `0.0` = `-0`).
 *
 * Two values have the same text only if they are equal, because the text is JSON itself.
 * `undefined` if there is no exact text: integers beyond 2^53, which the parser has already
 * rounded, anything that is not JSON, and nesting deeper than {@link MAX_JSON_DEPTH}.
 */
export function canonicalJson(value: unknown, omitted?: OmittedFields): string | undefined {
  let text = '';
  for (const piece of canonicalPieces(value, omitted)) {
    if (piece === undefined) return undefined;
    text += piece;
  }
  return text;
}

/** An array or an object that is being written. */
interface Container {
  readonly items: readonly unknown[];
  /** Of the items, in an object. */
  readonly names: readonly string[] | undefined;
  readonly omitted: OmittedFields | undefined;
  next: number;
}

/**
 * The text of {@link canonicalJson} in pieces of bounded length, cut in the same places however
 * it is read. A last piece `undefined`: there is no exact text.
 */
export function* canonicalPieces(
  value: unknown,
  omitted?: OmittedFields,
): Generator<string | undefined, void> {
  const open: Container[] = [];
  let text = '';
  let [present, rules, isOrdered] = [value, omitted, false];
  for (;;) {
    if (typeof present === 'string' && present.length > PIECE_LENGTH) {
      yield `${text}"`;
      for (const part of partsOf(present)) yield JSON.stringify(part).slice(1, -1);
      text = '"';
    } else {
      const container = containerOf(present, rules, isOrdered);
      if (container !== undefined && open.length < MAX_JSON_DEPTH) {
        text += container.names === undefined ? '[' : '{';
        open.push(container);
      } else {
        const scalar = container === undefined ? textOf(present) : undefined;
        if (scalar === undefined) return yield undefined;
        text += scalar;
      }
    }
    let inner = open.at(-1);
    while (inner !== undefined && inner.next === inner.items.length) {
      text += inner.names === undefined ? ']' : '}';
      open.pop();
      inner = open.at(-1);
    }
    if (inner === undefined) break;
    if (text.length > PIECE_LENGTH) {
      yield text;
      text = '';
    }
    if (inner.next > 0) text += ',';
    const name = inner.names?.[inner.next];
    present = inner.items[inner.next];
    inner.next += 1;
    if (name === undefined) [rules, isOrdered] = [inner.omitted, false];
    else {
      text += `${JSON.stringify(name)}:`;
      [rules, isOrdered] = [inner.omitted?.within?.get(name), ORDERED_MAPS.has(name)];
    }
  }
  yield text;
}

function containerOf(
  value: unknown,
  omitted: OmittedFields | undefined,
  isOrdered: boolean,
): Container | undefined {
  if (Array.isArray(value)) return { items: value, names: undefined, omitted, next: 0 };
  if (!isJsonObject(value)) return undefined;
  const names = namesOf(value, omitted, isOrdered);
  return { items: names.map((name) => value[name]), names, omitted, next: 0 };
}

function namesOf(
  object: JsonObject,
  omitted: OmittedFields | undefined,
  isOrdered: boolean,
): string[] {
  const all = Object.keys(object);
  const names = omitted === undefined ? all : all.filter((name) => !omitted.names.has(name));
  return isOrdered ? names : names.toSorted(byCodeUnits);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) {
    return JSON.stringify(value);
  }
  if (typeof value !== 'number') return undefined;
  const isExact =
    Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return isExact ? JSON.stringify(value) : undefined;
}

/** Parts of a long text; no character is torn in two, because JSON escapes its halves. */
function* partsOf(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = start + PIECE_LENGTH;
    const isTorn = isHighSurrogate(text.charCodeAt(end - 1));
    const next = isTorn ? end - 1 : end;
    yield text.slice(start, next);
    start = next;
  }
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

/** The order of RFC 8785, the same in every locale. */
function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
