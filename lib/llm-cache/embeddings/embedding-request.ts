import type { JsonObject } from '../json-object.js';
import type { EmbeddingFormat } from './vector.js';

/** Most inputs of a request that is split, OpenAI's own limit; a bound for one MGET. */
export const MAX_EMBEDDING_INPUTS = 2048;

/**
 * Members by which other providers ask for vectors that depend on their neighbours in the
 * request (Jina) or are no float32 (Jina, Cohere, Voyage AI), and the values that ask for neither.
 */
const UNSPLIT_MEMBERS: ReadonlyMap<string, ReadonlySet<unknown>> = new Map([
  ['late_chunking', new Set<unknown>([undefined, null, false])],
  ['embedding_type', new Set<unknown>([undefined, null, 'float'])],
  ['embedding_types', new Set<unknown>([undefined, null])],
  ['output_dtype', new Set<unknown>([undefined, null, 'float'])],
]);

/** One input that has a vector of its own. */
export interface EmbeddingItem {
  /** A string, or an array of token numbers. */
  readonly input: unknown;
  /**
   * What the vector depends on: the body with this input alone. The format is left out, because
   * one stored vector answers in all formats.
   */
  readonly keyBody: JsonObject;
}

export interface SplitEmbeddingRequest {
  /** Distinct inputs in the order of their first appearance. */
  readonly items: readonly EmbeddingItem[];
  /** For each input of the request its place in `items`. */
  readonly positions: readonly number[];
  readonly format: EmbeddingFormat;
}

/**
 * An embeddings request as inputs that can be looked up one by one. A lone input and a list of
 * one have the same item; a string never has that of a token array.
 *
 * `undefined` if the request is none of that kind and has to be taken as a whole.
 */
export function splitEmbeddingRequest(body: JsonObject): SplitEmbeddingRequest | undefined {
  const inputs = readInputs(body['input']);
  const format = readFormat(body['encoding_format']);
  if (inputs === undefined || format === undefined || !isSplittable(body)) return undefined;

  const { encoding_format: _format, ...shared } = body;
  const items: EmbeddingItem[] = [];
  const places = new Map<string, number>();
  const positions = inputs.map((input) => {
    const text = JSON.stringify(input);
    const place = places.get(text) ?? items.length;
    if (place === items.length) {
      places.set(text, place);
      items.push({ input, keyBody: { ...shared, input } });
    }
    return place;
  });
  return { items, positions, format };
}

/** The request for these items only. A lone input stays a lone input. */
export function requestFor(body: JsonObject, items: readonly EmbeddingItem[]): JsonObject {
  const inputs = items.map(({ input }) => input);
  return { ...body, input: isLoneInput(body['input']) ? inputs[0] : inputs };
}

function readInputs(input: unknown): readonly unknown[] | undefined {
  if (isLoneInput(input)) return [input];
  if (!Array.isArray(input) || input.length === 0 || input.length > MAX_EMBEDDING_INPUTS) {
    return undefined;
  }
  const isList = input.every((item) => typeof item === 'string') || input.every(isTokens);
  return isList ? input : undefined;
}

function isLoneInput(input: unknown): boolean {
  return typeof input === 'string' || isTokens(input);
}

function isTokens(input: unknown): boolean {
  return Array.isArray(input) && input.length > 0 && input.every(Number.isSafeInteger);
}

function readFormat(format: unknown): EmbeddingFormat | undefined {
  if (format === undefined || format === null || format === 'float') return 'float';
  return format === 'base64' ? format : undefined;
}

function isSplittable(body: JsonObject): boolean {
  for (const [name, harmless] of UNSPLIT_MEMBERS) {
    if (!harmless.has(body[name])) return false;
  }
  return true;
}
