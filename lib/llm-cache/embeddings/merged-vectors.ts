import type { EmbeddingAnswer } from './embedding-answer.js';
import type { StoredVector } from './stored-vector.js';

export interface MergedVectors {
  /** One per input of the request, in its order. */
  readonly vectors: readonly Buffer[];
  readonly model: string | undefined;
}

/**
 * Stored and fresh vectors in the order of the request.
 *
 * `undefined` unless there is exactly one vector for each item, and all are of one model and of
 * one length: a name such as `text-embedding-latest` may stand for another model than when the
 * vector was stored, and the vectors of two models cannot be compared.
 *
 * @param positions from `splitEmbeddingRequest`
 * @param stored for each item what the store had
 * @param fresh the answer for the items that it did not have, in their order
 */
export function mergeVectors(
  positions: readonly number[],
  stored: readonly (StoredVector | undefined)[],
  fresh?: Pick<EmbeddingAnswer, 'vectors' | 'model'>,
): MergedVectors | undefined {
  const queue = (fresh?.vectors ?? []).values();
  const items: { readonly vector: Buffer; readonly model: string | undefined }[] = [];
  for (const hit of stored) {
    const vector = hit === undefined ? queue.next().value : hit.vector;
    if (vector === undefined) return undefined;
    items.push({ vector, model: hit === undefined ? fresh?.model : hit.model });
  }
  if (queue.next().done !== true) return undefined;

  const [first] = items;
  if (first === undefined) return undefined;
  const { model } = first;
  const isOneKind = items.every(
    (item) => item.model === model && item.vector.length === first.vector.length,
  );
  if (!isOneKind) return undefined;

  const vectors = positions.flatMap((position) => items[position]?.vector ?? []);
  return vectors.length === positions.length ? { vectors, model } : undefined;
}
