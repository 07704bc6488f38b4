import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeStoredVector,
  encodeStoredVector,
  tokenShares,
} from '../../../../lib/llm-cache/embeddings/stored-vector.js';
import { anyFloat32, bytesOf } from './fixture.js';

const KEY = 'llm:v1:key';
const STORED = {
  vector: bytesOf([0.25, -1, 1e-30]),
  model: 'text-embedding-3-small',
  tokens: 7,
  storedAtMs: 1_700_000_000_000,
  ttlMs: 60_000,
  status: 201,
  tookMs: 120,
};

describe('a stored vector', () => {
  it.each([
    ['as it was', STORED],
    ['without a model', { ...STORED, model: undefined }],
    ['with an empty model', { ...STORED, model: '' }],
    ['with a model in any script', { ...STORED, model: 'modèle-嵌入 👋' }],
    ['without tokens', { ...STORED, tokens: undefined }],
    ['with no tokens', { ...STORED, tokens: 0 }],
    ['with more tokens than 32 bits hold', { ...STORED, tokens: Number.MAX_SAFE_INTEGER }],
  ])('comes back %s', (_what, stored) => {
    expect(decodeStoredVector(KEY, encodeStoredVector(KEY, stored))).toEqual(stored);
  });

  it('comes back whatever it is', () => {
    const anyStored = fc.record({
      vector: fc.array(anyFloat32, { minLength: 1 }).map(bytesOf),
      model: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
      tokens: fc.option(fc.nat(), { nil: undefined }),
      storedAtMs: fc.maxSafeNat(),
      ttlMs: fc.integer({ min: 1 }),
      tookMs: fc.nat(),
      status: fc.constantFrom(200, 201),
    });
    fc.assert(
      fc.property(fc.string(), anyStored, (key, stored) => {
        expect(decodeStoredVector(key, encodeStoredVector(key, stored))).toEqual(stored);
      }),
    );
  });

  it('is nothing with any bit flipped', () => {
    const bytes = encodeStoredVector(KEY, STORED);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(decodeStoredVector(KEY, flipped)).toBeUndefined();
    }
  });

  it('is nothing when bytes are missing or added', () => {
    const bytes = encodeStoredVector(KEY, STORED);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeStoredVector(KEY, bytes.subarray(0, length))).toBeUndefined();
    }
    expect(decodeStoredVector(KEY, Buffer.concat([bytes, Buffer.of(0)]))).toBeUndefined();
  });

  it('is nothing under another key', () => {
    expect(decodeStoredVector('llm:v1:other', encodeStoredVector(KEY, STORED))).toBeUndefined();
  });

  it('is not made of bytes that were signed as a recorded answer under its key', () => {
    const bytes = encodeStoredVector(KEY, STORED);
    createHash('sha256')
      .update(`${KEY.length}:${KEY}`)
      .update(bytes.subarray(33))
      .digest()
      .copy(bytes, 1);
    expect(decodeStoredVector(KEY, bytes)).toBeUndefined();
  });

  it('takes few bytes beside the vector and the model', () => {
    const size = encodeStoredVector(KEY, STORED).length;
    expect(size - STORED.vector.length - STORED.model.length).toBeLessThan(80);
  });
});

describe('the shares of the tokens', () => {
  it.each([
    [10, 1, [10]],
    [10, 2, [5, 5]],
    [10, 3, [4, 3, 3]],
    [2, 3, [1, 1, 0]],
    [0, 2, [0, 0]],
    [10, 0, []],
    [undefined, 2, [undefined, undefined]],
  ])('of %j among %d are %j', (tokens, count, shares) => {
    expect(tokenShares(tokens, count)).toEqual(shares);
  });

  it('add up, and differ by no more than one', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 100 }), (tokens, count) => {
        const shares = tokenShares(tokens, count).map(Number);
        expect(shares.reduce((sum, share) => sum + share)).toBe(tokens);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
