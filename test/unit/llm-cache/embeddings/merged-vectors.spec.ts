import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readEmbeddingAnswer,
  renderEmbeddingAnswer,
} from '../../../../lib/llm-cache/embeddings/embedding-answer.js';
import {
  requestFor,
  splitEmbeddingRequest,
} from '../../../../lib/llm-cache/embeddings/embedding-request.js';
import { mergeVectors } from '../../../../lib/llm-cache/embeddings/merged-vectors.js';
import {
  decodeStoredVector,
  encodeStoredVector,
  tokenShares,
  type StoredVector,
} from '../../../../lib/llm-cache/embeddings/stored-vector.js';
import { decodeVector } from '../../../../lib/llm-cache/embeddings/vector.js';
import { canonicalJson } from '../../../../lib/llm-cache/key/canonical-json.js';
import { anyInputs, answerTo, bytesOf, inputsOf, vectorOf } from './fixture.js';

const MODEL = 'text-embedding-3-small';

const stored = (numbers: readonly number[], model: string | undefined = MODEL): StoredVector => ({
  vector: bytesOf(numbers),
  model,
  tokens: 1,
  storedAtMs: 0,
  ttlMs: 1000,
  tookMs: 5,
  status: 200,
});
const fresh = (...vectors: readonly number[][]) => ({
  vectors: vectors.map(bytesOf),
  model: MODEL,
});

describe('merging stored and fresh vectors', () => {
  it.each([
    ['all from the store', [0, 1], [stored([1]), stored([2])], undefined, [[1], [2]]],
    ['none from the store', [0, 1], [undefined, undefined], fresh([1], [2]), [[1], [2]]],
    ['a hole first', [0, 1], [undefined, stored([2])], fresh([1]), [[1], [2]]],
    ['a hole last', [0, 1], [stored([1]), undefined], fresh([2]), [[1], [2]]],
    ['duplicates', [0, 1, 0, 1], [stored([1]), undefined], fresh([2]), [[1], [2], [1], [2]]],
  ])('keeps the order: %s', (_what, positions, hits, answer, vectors) => {
    expect(mergeVectors(positions, hits, answer)).toEqual({
      vectors: vectors.map(bytesOf),
      model: MODEL,
    });
  });

  it.each([
    ['a vector is missing', [0, 1], [stored([1]), undefined], fresh()],
    ['no answer fills the holes', [0], [undefined], undefined],
    ['a vector is left over', [0], [stored([1])], fresh([2])],
    ['the models differ', [0, 1], [stored([1], 'older'), undefined], fresh([2])],
    ['one model is unknown', [0, 1], [stored([1], ''), undefined], fresh([2])],
    ['stored models differ', [0, 1], [stored([1], 'older'), stored([2])], undefined],
    ['the lengths differ', [0, 1], [stored([1, 2]), undefined], fresh([2])],
    ['a position has no item', [0, 1], [stored([1])], undefined],
    ['there is nothing', [], [], undefined],
  ])('gives nothing when %s', (_what, positions, hits, answer) => {
    expect(mergeVectors(positions, hits, answer)).toBeUndefined();
  });

  it('takes stored vectors whose model nobody named', () => {
    const nameless: StoredVector = { ...stored([1]), model: undefined };
    expect(mergeVectors([0], [nameless])?.model).toBeUndefined();
  });
});

/** A cache in front of a provider, with nothing in it but the functions under test. */
function cachedEmbeddings(order: (data: unknown[]) => unknown[] = (data) => data) {
  const store = new Map<string, Buffer>();
  const forwarded: (readonly unknown[])[] = [];

  function provider(request: Readonly<Record<string, unknown>>): unknown {
    const inputs = splitEmbeddingRequest(request);
    if (inputs === undefined) throw new Error('Expected an embeddings request.');
    forwarded.push(inputsOf(inputs.items));
    const answer = answerTo(inputsOf(inputs.items));
    return { ...answer, data: order(Array.isArray(answer['data']) ? answer['data'] : []) };
  }

  function embed(inputs: unknown, more: object = {}): Record<string, unknown> {
    const body = { model: MODEL, input: inputs, ...more };
    const request = splitEmbeddingRequest(body);
    if (request === undefined) throw new Error('Expected a request that can be split.');
    const keys = request.items.map(({ keyBody }) => canonicalJson(keyBody) ?? '');
    const hits = keys.map((key) => decodeStoredVector(key, store.get(key) ?? Buffer.of()));
    const missing = request.items.filter((_, place) => hits[place] === undefined);
    const answer =
      missing.length === 0
        ? undefined
        : readEmbeddingAnswer(provider(requestFor(body, missing)), missing.length);
    const merged = mergeVectors(request.positions, hits, answer);
    if (merged === undefined) throw new Error('Expected vectors that go together.');

    const shares = tokenShares(answer?.tokens, missing.length);
    for (const [place, item] of missing.entries()) {
      const key = canonicalJson(item.keyBody) ?? '';
      const vector = answer?.vectors[place] ?? Buffer.of();
      const entry = { vector, model: merged.model, tokens: shares[place], status: 200 };
      const times = { storedAtMs: 0, ttlMs: 1, tookMs: 5 };
      store.set(key, encodeStoredVector(key, { ...entry, ...times }));
    }
    const { tokens = 0, rest = {} } = answer ?? {};
    return renderEmbeddingAnswer({ ...merged, tokens, rest }, request.format);
  }

  return { embed, forwarded };
}

function expectOwnVectors(answer: Record<string, unknown>, inputs: readonly unknown[]) {
  const { data } = answer;
  if (!Array.isArray(data)) throw new Error('Expected data.');
  expect(data.map((entry) => entry.index)).toEqual(inputs.map((_, index) => index));
  expect(data.map((entry) => decodeVector(entry.embedding))).toEqual(
    inputs.map((input) => bytesOf(vectorOf(input))),
  );
}

describe('a batch of cached and new inputs', () => {
  it('has indexes 0 to n-1, each once (BerriAI/litellm#29284)', () => {
    const { embed } = cachedEmbeddings();
    embed(['foo', 'bar']);
    const inputs = ['fresh1', 'foo', 'fresh2', 'fresh3', 'bar', 'fresh4'];
    expectOwnVectors(embed(inputs), inputs);
  });

  it('never serves a cached vector for a new input (BerriAI/litellm#41002)', () => {
    const { embed, forwarded } = cachedEmbeddings();
    embed('chunk-a');
    const inputs = ['chunk-b', 'chunk-a', 'chunk-c'];
    expectOwnVectors(embed(inputs), inputs);
    // Nor is the cached input sent, and paid for, again.
    expect(forwarded).toEqual([['chunk-a'], ['chunk-b', 'chunk-c']]);
  });

  it('is right when the provider answers out of order (BerriAI/litellm#20949)', () => {
    const { embed } = cachedEmbeddings((data) => data.toReversed());
    const inputs = ['a', 'b', 'c'];
    expectOwnVectors(embed(inputs), inputs);
    expectOwnVectors(embed(['c', 'x', 'a', 'y', 'b']), ['c', 'x', 'a', 'y', 'b']);
    expectOwnVectors(embed(inputs), inputs);
  });

  it('comes back in the order of the request, whatever was asked before (BerriAI/litellm#2990)', () => {
    const { embed } = cachedEmbeddings();
    embed(['a', 'b', 'c', 'd']);
    for (const inputs of [
      ['d', 'c', 'b', 'a'],
      ['b', 'b', 'a'],
      ['e', 'd', 'f', 'a'],
    ]) {
      expectOwnVectors(embed(inputs), inputs);
    }
  });

  it('counts the tokens that were forwarded, and none for hits', () => {
    const { embed } = cachedEmbeddings();
    const usage = (tokens: number) => ({ prompt_tokens: tokens, total_tokens: tokens });
    expect(embed(['a', 'b', 'a'])['usage']).toEqual(usage(2));
    expect(embed(['c', 'a'])['usage']).toEqual(usage(1));
    expect(embed(['c', 'a'])['usage']).toEqual(usage(0));
  });

  it('is answered in the format of each request from the same vectors', () => {
    const { embed, forwarded } = cachedEmbeddings();
    expectOwnVectors(embed(['a'], { encoding_format: 'base64' }), ['a']);
    const { data } = embed(['a'], { encoding_format: 'float' });
    expect(data).toMatchObject([{ embedding: expect.any(Array) }]);
    expect(forwarded).toHaveLength(1);
  });
});

describe('any sequence of batches', () => {
  it('gives each input its own vector and asks for none twice', () => {
    const anyBatch = fc.record({ inputs: anyInputs, format: fc.constantFrom('float', 'base64') });
    const anyOrder = fc.constantFrom(
      (data: unknown[]) => data,
      (data: unknown[]) => data.toReversed(),
      (data: unknown[]) => [...data.slice(1), ...data.slice(0, 1)],
    );
    fc.assert(
      fc.property(fc.array(anyBatch, { maxLength: 6 }), anyOrder, (batches, order) => {
        const { embed, forwarded } = cachedEmbeddings(order);
        for (const { inputs, format } of batches) {
          expectOwnVectors(embed(inputs, { encoding_format: format }), inputs);
        }
        const asked = forwarded.flat().map((input) => JSON.stringify(input));
        expect(new Set(asked).size).toBe(asked.length);
      }),
    );
  });
});
