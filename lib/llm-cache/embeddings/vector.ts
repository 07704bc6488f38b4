import { shortestDecimal } from './shortest-decimal.js';

/** How a request wants its vectors: as JSON numbers, or as base64 of little-endian float32. */
export type EmbeddingFormat = 'float' | 'base64';

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

/**
 * The vector as little-endian float32, whichever way the provider wrote it. Providers compute in
 * float32 or less, so that nothing is lost.
 *
 * `undefined` for anything else: an empty vector, a number beyond float32, and base64 with NaN
 * or infinities in it, which have no JSON.
 */
export function decodeVector(embedding: unknown): Buffer | undefined {
  if (typeof embedding === 'string') return decodeBase64(embedding);
  return Array.isArray(embedding) ? decodeNumbers(embedding) : undefined;
}

/** The `embedding` member of an answer: `number[]` for `float`, a string for `base64`. */
export function renderVector(vector: Buffer, format: EmbeddingFormat): number[] | string {
  return format === 'base64' ? vector.toString('base64') : renderNumbers(vector);
}

function renderNumbers(vector: Buffer): number[] {
  const numbers: number[] = [];
  for (let offset = 0; offset < vector.length; offset += FLOAT_BYTES) {
    numbers.push(shortestDecimal(vector.readFloatLE(offset)));
  }
  return numbers;
}

function decodeNumbers(numbers: readonly unknown[]): Buffer | undefined {
  if (numbers.length === 0) return undefined;
  const vector = Buffer.alloc(numbers.length * FLOAT_BYTES);
  let offset = 0;
  for (const number of numbers) {
    if (typeof number !== 'number' || !Number.isFinite(Math.fround(number))) return undefined;
    offset = vector.writeFloatLE(number, offset);
  }
  return vector;
}

function decodeBase64(text: string): Buffer | undefined {
  const vector = Buffer.from(text, 'base64');
  if (vector.length === 0 || vector.length % FLOAT_BYTES !== 0) return undefined;
  // Node skips what is no base64; that way any text at all would be a vector.
  if (vector.toString('base64') !== text) return undefined;
  for (let offset = 0; offset < vector.length; offset += FLOAT_BYTES) {
    if (!Number.isFinite(vector.readFloatLE(offset))) return undefined;
  }
  return vector;
}
