import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_EMBEDDING_INPUTS,
  requestFor,
  splitEmbeddingRequest,
} from '../../../../lib/llm-cache/embeddings/embedding-request.js';
import { canonicalJson } from '../../../../lib/llm-cache/key/canonical-json.js';
import { anyInputs, inputsOf } from './fixture.js';

const MODEL = { model: 'text-embedding-3-small' };

function split(input: unknown, more: object = {}) {
  const body = { ...MODEL, input, ...more };
  const result = splitEmbeddingRequest(body);
  if (result === undefined) throw new Error('Expected a request that can be split.');
  return { ...result, body, keys: result.items.map(({ keyBody }) => canonicalJson(keyBody)) };
}

describe('splitting an embeddings request', () => {
  it.each([
    ['one string', 'a', ['a'], [0]],
    ['one empty string', '', [''], [0]],
    ['one token array', [1, 2], [[1, 2]], [0]],
    ['strings', ['a', 'b'], ['a', 'b'], [0, 1]],
    ['an empty string among others', ['', 'a'], ['', 'a'], [0, 1]],
    ['token arrays', [[1], [2, 3]], [[1], [2, 3]], [0, 1]],
    ['equal strings', ['b', 'a', 'b', 'b'], ['b', 'a'], [0, 1, 0, 0]],
    ['equal token arrays', [[1, 2], [1], [1, 2]], [[1, 2], [1]], [0, 1, 0]],
    ['lone surrogates', ['\ud800', '\ud801'], ['\ud800', '\ud801'], [0, 1]],
  ])('finds the items of %s', (_what, input, items, positions) => {
    const result = split(input);
    expect(inputsOf(result.items)).toEqual(items);
    expect(result.positions).toEqual(positions);
  });

  it.each([
    ['no input', undefined],
    ['null', null],
    ['a number', 1],
    ['an object', { text: 'a' }],
    ['an empty list', []],
    ['an empty token array', [[]]],
    ['an empty token array among others', [[1], []]],
    ['strings and token arrays', ['a', [1]]],
    ['strings and numbers', ['a', 1]],
    ['tokens with fractions', [1.5]],
    ['tokens that the parser has rounded', [2 ** 53]],
    ['objects', [{ text: 'a' }]],
    ['null among strings', ['a', null]],
    ['deeper lists', [[[1]]]],
    ['too many inputs', Array.from({ length: MAX_EMBEDDING_INPUTS + 1 }, () => 'a')],
  ])('is not done with %s', (_what, input) => {
    expect(splitEmbeddingRequest({ ...MODEL, input })).toBeUndefined();
  });

  it.each([
    [undefined, 'float'],
    [null, 'float'],
    ['float', 'float'],
    ['base64', 'base64'],
    ['BASE64', undefined],
    ['int8', undefined],
    [['float'], undefined],
    [1, undefined],
  ])('reads encoding_format %j as %j', (encoding_format, format) => {
    expect(splitEmbeddingRequest({ ...MODEL, input: 'a', encoding_format })?.format).toBe(format);
  });

  it.each([
    ['vectors that depend on their neighbours', { late_chunking: true }],
    ['integers (Voyage AI)', { output_dtype: 'int8' }],
    ['packed bits (Jina)', { embedding_type: 'binary' }],
    ['several types at once (Cohere)', { embedding_types: ['float', 'int8'] }],
  ])('is not done where the request asks for %s', (_what, more) => {
    expect(splitEmbeddingRequest({ ...MODEL, input: ['a'], ...more })).toBeUndefined();
  });

  it.each([{ late_chunking: false }, { output_dtype: 'float' }, { embedding_type: null }])(
    'is done with %j',
    (more) => {
      expect(splitEmbeddingRequest({ ...MODEL, input: ['a'], ...more })).toBeDefined();
    },
  );
});

describe('the key of an item', () => {
  it.each([
    ['the format', split('a'), split('a', { encoding_format: 'base64' })],
    ['whether the input is alone in a list', split('a'), split(['a'])],
    ['whether the tokens are alone in a list', split([1, 2]), split([[1, 2]])],
    ['the other inputs', split(['a', 'x']), split(['a', 'y', 'z'])],
  ])('does not depend on %s', (_what, a, b) => {
    expect(a.keys[0]).toBe(b.keys[0]);
  });

  it.each([
    ['strings', split('a'), split('b')],
    ['case', split('a'), split('A')],
    ['a string and the tokens it looks like', split('[1,2]'), split([1, 2])],
    ['tokens and their order', split([1, 2]), split([2, 1])],
    ['models', split('a'), split('a', { model: 'text-embedding-3-large' })],
    ['dimensions', split('a'), split('a', { dimensions: 256 })],
    ['parameters that nobody classified', split('a'), split('a', { input_type: 'query' })],
    ['null and absent', split('a'), split('a', { dimensions: null })],
  ])('tells apart %s', (_what, a, b) => {
    expect(a.keys[0]).toBeDefined();
    expect(a.keys[0]).not.toBe(b.keys[0]);
  });
});

describe('the request for some items', () => {
  it('has only their inputs, and all else as it was', () => {
    const more = { dimensions: 256, encoding_format: 'base64', user: 'u' };
    const { body, items } = split(['a', 'b', 'a', 'c'], more);
    expect(requestFor(body, items.slice(1))).toEqual({ ...MODEL, ...more, input: ['b', 'c'] });
  });

  it.each([
    ['a lone string', 'a', 'a'],
    ['lone tokens', [1, 2], [1, 2]],
    ['a list of one string', ['a'], ['a']],
    ['a list of one token array', [[1, 2]], [[1, 2]]],
    ['a list of duplicates', ['a', 'a'], ['a']],
  ])('keeps the form of %s', (_what, input, expected) => {
    const { body, items } = split(input);
    expect(requestFor(body, items)['input']).toEqual(expected);
  });

  it('leaves the original alone', () => {
    const { body, items } = split(['a', 'b']);
    requestFor(body, items.slice(1));
    expect(body.input).toEqual(['a', 'b']);
  });
});

describe('any request', () => {
  it('is its items at their positions, without duplicates, in order of appearance', () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        const { items, positions, keys } = split(inputs);
        expect(positions.map((position) => items[position]?.input)).toEqual(inputs);
        expect(new Set(keys).size).toBe(items.length);
        const firstSeen = [...new Set(positions)];
        expect(firstSeen).toEqual(items.map((_, place) => place));
      }),
    );
  });

  it('splits into the same items again', () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        const { items, body } = split(inputs);
        expect(splitEmbeddingRequest(requestFor(body, items))?.items).toEqual(items);
      }),
    );
  });
});
