import { isJsonObject, type JsonObject } from '../json-object.js';
import { decodeVector, renderVector, type EmbeddingFormat } from './vector.js';

export interface EmbeddingAnswer {
  /** One per input of the request, in its order. */
  readonly vectors: readonly Buffer[];
  readonly model: string | undefined;
  /** What the provider counted for all inputs together; `undefined` if it told nothing sane. */
  readonly tokens: number | undefined;
  /** Members beside `object`, `data`, `model` and `usage`. */
  readonly rest: JsonObject;
}

/**
 * The vectors of a provider's answer to a request with `count` inputs.
 *
 * `undefined` if there is any doubt which vector belongs to which input: one wrong vector in the
 * cache would be served until it expires, and nobody can see that it is wrong.
 */
export function readEmbeddingAnswer(answer: unknown, count: number): EmbeddingAnswer | undefined {
  if (!isJsonObject(answer)) return undefined;
  const { object: _object, data, model, usage, ...rest } = answer;
  if (rest['error'] !== undefined && rest['error'] !== null) return undefined;
  if (!Array.isArray(data) || data.length !== count) return undefined;
  const vectors = readVectors(data);
  return (
    vectors && {
      vectors,
      model: typeof model === 'string' ? model : undefined,
      tokens: readTokens(usage),
      rest,
    }
  );
}

/**
 * An answer with `data` of its own, in the order of the request.
 *
 * @param answer with the tokens of the inputs that were forwarded: 0 if none was, `undefined` if
 * the provider did not count them
 */
export function renderEmbeddingAnswer(
  { vectors, model, tokens, rest }: EmbeddingAnswer,
  format: EmbeddingFormat,
): Record<string, unknown> {
  const data = vectors.map((vector, index) => ({
    object: 'embedding',
    // Some clients go by the index, others by the order.
    index,
    embedding: renderVector(vector, format),
  }));
  return {
    ...rest,
    object: 'list',
    data,
    ...(model !== undefined && { model }),
    ...(tokens !== undefined && { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
  };
}

function readVectors(data: readonly unknown[]): readonly Buffer[] | undefined {
  const isIndexed = data.some((entry) => isJsonObject(entry) && entry['index'] !== undefined);
  const vectors = new Map<number, Buffer>();
  for (const [place, entry] of data.entries()) {
    if (!isJsonObject(entry)) return undefined;
    const index = isIndexed ? entry['index'] : place;
    const vector = decodeVector(entry['embedding']);
    if (vector === undefined || !isPlace(index, data.length) || vectors.has(index)) {
      return undefined;
    }
    vectors.set(index, vector);
  }
  const inOrder = [...vectors].toSorted(([a], [b]) => a - b).map(([, vector]) => vector);
  return inOrder.every(({ length }) => length === inOrder[0]?.length) ? inOrder : undefined;
}

function isPlace(index: unknown, count: number): index is number {
  return typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < count;
}

function readTokens(usage: unknown): number | undefined {
  const tokens = isJsonObject(usage) ? usage['prompt_tokens'] : undefined;
  return typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0
    ? tokens
    : undefined;
}
