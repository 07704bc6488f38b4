import { createHash, timingSafeEqual } from 'node:crypto';

const VERSION = 2;
const DIGEST_START = 1;
const CONTENT_START = DIGEST_START + 32;
const MODEL_START = CONTENT_START + 8 + 8 + 8 + 8 + 2 + 4;

/** Stands for a model that the answer did not name. */
const NO_MODEL = 0xffff_ffff;

/** What is stored for one input. */
export interface StoredVector {
  /** Little-endian float32. */
  readonly vector: Buffer;
  /** As the answer named it, which may be more exact than the request. */
  readonly model: string | undefined;
  /** This input's share of the tokens that the provider counted, see {@link tokenShares}. */
  readonly tokens: number | undefined;
  /** Of the answer that it came with. */
  readonly status: number;
  /** Unix time. */
  readonly storedAtMs: number;
  readonly ttlMs: number;
  /** From the call to the end of the answer that it came with, in milliseconds. */
  readonly tookMs: number;
}

/**
 * Layout, all numbers big endian: version (1 byte), SHA-256 of key and everything behind it (32),
 * storedAtMs, ttlMs, tokens (NaN when unknown), tookMs (doubles), status (2), length of the model
 * (4), model, vector.
 */
export function encodeStoredVector(key: string, stored: StoredVector): Buffer {
  const model = Buffer.from(stored.model ?? '');
  const prefix = Buffer.alloc(MODEL_START);
  prefix.writeUInt8(VERSION);
  let offset = prefix.writeDoubleBE(stored.storedAtMs, CONTENT_START);
  offset = prefix.writeDoubleBE(stored.ttlMs, offset);
  offset = prefix.writeDoubleBE(stored.tokens ?? Number.NaN, offset);
  offset = prefix.writeDoubleBE(stored.tookMs, offset);
  offset = prefix.writeUInt16BE(stored.status, offset);
  prefix.writeUInt32BE(stored.model === undefined ? NO_MODEL : model.length, offset);
  const bytes = Buffer.concat([prefix, model, stored.vector]);
  digestOf(key, bytes).copy(bytes, DIGEST_START);
  return bytes;
}

/** `undefined` for an unknown version, another key's vector, or any flipped or missing byte. */
export function decodeStoredVector(key: string, bytes: Buffer): StoredVector | undefined {
  if (bytes.length < MODEL_START || bytes.readUInt8(0) !== VERSION) return undefined;
  const digest = bytes.subarray(DIGEST_START, CONTENT_START);
  if (!timingSafeEqual(digest, digestOf(key, bytes))) return undefined;
  const tokens = bytes.readDoubleBE(CONTENT_START + 16);
  const modelLength = bytes.readUInt32BE(MODEL_START - 4);
  const isNamed = modelLength !== NO_MODEL;
  const vectorStart = MODEL_START + (isNamed ? modelLength : 0);
  return {
    vector: bytes.subarray(vectorStart),
    model: isNamed ? bytes.toString('utf8', MODEL_START, vectorStart) : undefined,
    tokens: Number.isNaN(tokens) ? undefined : tokens,
    status: bytes.readUInt16BE(CONTENT_START + 32),
    storedAtMs: bytes.readDoubleBE(CONTENT_START),
    ttlMs: bytes.readDoubleBE(CONTENT_START + 8),
    tookMs: bytes.readDoubleBE(CONTENT_START + 24),
  };
}

/** Whole numbers as even as they can be, with the sum `tokens`; the first get the remainder. */
export function tokenShares(
  tokens: number | undefined,
  count: number,
): readonly (number | undefined)[] {
  if (tokens === undefined) return Array.from({ length: count }, () => undefined);
  const remainder = tokens % count;
  const share = (tokens - remainder) / count;
  return Array.from({ length: count }, (_, place) => (place < remainder ? share + 1 : share));
}

/** The domain in front keeps a recorded answer under the same key from being read as a vector. */
function digestOf(key: string, bytes: Buffer): Buffer {
  return createHash('sha256')
    .update(`embedding:${Buffer.byteLength(key)}:${key}`)
    .update(bytes.subarray(CONTENT_START))
    .digest();
}
