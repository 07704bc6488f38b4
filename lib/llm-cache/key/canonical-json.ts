import { isJsonObject, type JsonObject } from '../json-object.js';

/** Deepest nesting of a body that can be cached; a bound for the recursion. */
export const MAX_JSON_DEPTH = 200;

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
  return encode(value, omitted, false, 0);
}

function encode(
  value: unknown,
  omitted: OmittedFields | undefined,
  isOrdered: boolean,
  depth: number,
): string | undefined {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) {
    return JSON.stringify(value);
  }
  if (typeof value === 'number') return encodeNumber(value);
  if (depth >= MAX_JSON_DEPTH) return undefined;
  if (Array.isArray(value)) return encodeItems(value, omitted, depth);
  if (isJsonObject(value)) return encodeMembers(value, omitted, isOrdered, depth);
  return undefined;
}

function encodeNumber(value: number): string | undefined {
  const isExact =
    Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return isExact ? JSON.stringify(value) : undefined;
}

function encodeItems(
  items: readonly unknown[],
  omitted: OmittedFields | undefined,
  depth: number,
): string | undefined {
  const texts: string[] = [];
  for (const item of items) {
    const text = encode(item, omitted, false, depth + 1);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return `[${texts.join(',')}]`;
}

function encodeMembers(
  object: JsonObject,
  omitted: OmittedFields | undefined,
  isOrdered: boolean,
  depth: number,
): string | undefined {
  const names = Object.keys(object).filter((name) => omitted?.names.has(name) !== true);
  const texts: string[] = [];
  for (const name of isOrdered ? names : names.toSorted(byCodeUnits)) {
    const inner = encode(
      object[name],
      omitted?.within?.get(name),
      ORDERED_MAPS.has(name),
      depth + 1,
    );
    if (inner === undefined) return undefined;
    texts.push(`${JSON.stringify(name)}:${inner}`);
  }
  return `{${texts.join(',')}}`;
}

/** The order of RFC 8785, the same in every locale. */
function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
