import { describe, expect, it } from 'vitest';
import {
  readEmbeddingAnswer,
  renderEmbeddingAnswer,
} from '../../../../lib/llm-cache/embeddings/embedding-answer.js';
import { answerTo, bytesOf, vectorOf } from './fixture.js';

const entry = (index: unknown, embedding: unknown = [index]) => ({
  object: 'embedding',
  index,
  embedding,
});

describe('reading an answer', () => {
  it('finds vectors, model, tokens and the rest', () => {
    const answer = answerTo(['a', 'b'], { id: 'x', system: { region: 'eu' } });
    expect(readEmbeddingAnswer(answer, 2)).toEqual({
      vectors: [bytesOf(vectorOf('a')), bytesOf(vectorOf('b'))],
      model: 'text-embedding-3-small',
      tokens: 2,
      rest: { id: 'x', system: { region: 'eu' } },
    });
  });

  it('takes the order of the list where there is no index', () => {
    const data = [{ embedding: [1] }, { embedding: [2] }];
    expect(readEmbeddingAnswer({ data }, 2)?.vectors).toEqual([bytesOf([1]), bytesOf([2])]);
  });

  it('takes numbers and base64 alike', () => {
    const data = [entry(0, [1]), entry(1, 'AACAPw==')];
    expect(readEmbeddingAnswer({ data }, 2)?.vectors).toEqual([bytesOf([1]), bytesOf([1])]);
  });

  it.each([
    ['no object', 'text', 1],
    ['a list', [entry(0)], 1],
    ['no data', { object: 'list' }, 1],
    ['data that is no list', { data: { 0: entry(0) } }, 1],
    ['too few vectors', { data: [entry(0)] }, 2],
    ['too many vectors', { data: [entry(0), entry(1)] }, 1],
    ['null in place of a vector', { data: [null] }, 1],
    ['an entry without a vector', { data: [{ index: 0 }] }, 1],
    ['a vector that cannot be read', { data: [entry(0, [1, null])] }, 1],
    ['a vector with NaN (dify#41476)', { data: [entry(0, [Number.NaN])] }, 1],
    ['an empty vector', { data: [entry(0, [])] }, 1],
    ['vectors of two lengths', { data: [entry(0, [1]), entry(1, [1, 2])] }, 2],
    ['an index beyond the inputs', { data: [entry(0), entry(2)] }, 2],
    ['a negative index', { data: [entry(-1), entry(0)] }, 2],
    ['an index that is no integer', { data: [entry(0.5, [1]), entry(0)] }, 2],
    ['an index in text', { data: [entry('0', [1])] }, 1],
    ['an index for some only', { data: [entry(0), { embedding: [1] }] }, 2],
    ['an error beside the vectors', { data: [entry(0)], error: { code: 500 } }, 1],
    // The index of the provider's own batch is no place in the request.
    ['a duplicate index (BerriAI/litellm#29284)', { data: [entry(0), entry(1), entry(0)] }, 3],
    ['indexes 0, 1, 1 (BerriAI/litellm#41002)', { data: [entry(0), entry(1), entry(1)] }, 3],
  ])('finds nothing in %s', (_what, answer, count) => {
    expect(readEmbeddingAnswer(answer, count)).toBeUndefined();
  });

  it('goes by the index when the data are out of order (BerriAI/litellm#20949)', () => {
    const data = [entry(2), entry(0), entry(1)];
    expect(readEmbeddingAnswer({ data }, 3)?.vectors).toEqual([
      bytesOf([0]),
      bytesOf([1]),
      bytesOf([2]),
    ]);
  });

  it.each([
    [{ prompt_tokens: 5, total_tokens: 7 }, 5],
    [{ prompt_tokens: 0 }, 0],
    [{ total_tokens: 5 }, undefined],
    [{ prompt_tokens: -1 }, undefined],
    [{ prompt_tokens: 1.5 }, undefined],
    [{ prompt_tokens: '5' }, undefined],
    [null, undefined],
    [undefined, undefined],
  ])('finds the tokens of %j: %j', (usage, tokens) => {
    const answer = readEmbeddingAnswer({ data: [entry(0)], usage }, 1);
    expect(answer).toBeDefined();
    expect(answer?.tokens).toBe(tokens);
  });
});

describe('rendering an answer', () => {
  const ANSWER = { vectors: [bytesOf([0.1, -2]), bytesOf([0.3, 4])], model: 'm', rest: {} };

  it('gives what OpenAI would', () => {
    expect(renderEmbeddingAnswer({ ...ANSWER, tokens: 9 }, 'float')).toEqual({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [0.1, -2] },
        { object: 'embedding', index: 1, embedding: [0.3, 4] },
      ],
      model: 'm',
      usage: { prompt_tokens: 9, total_tokens: 9 },
    });
  });

  it('gives base64 where it was asked for', () => {
    const { data } = renderEmbeddingAnswer({ ...ANSWER, tokens: 9 }, 'base64');
    expect(data).toMatchObject([{ embedding: 'zczMPQAAAMA=' }, { embedding: 'mpmZPgAAgEA=' }]);
  });

  it('counts no tokens when nothing was forwarded', () => {
    expect(renderEmbeddingAnswer({ ...ANSWER, tokens: 0 }, 'float')['usage']).toEqual({
      prompt_tokens: 0,
      total_tokens: 0,
    });
  });

  it('leaves out what the provider did not tell', () => {
    const answer = renderEmbeddingAnswer(
      { ...ANSWER, tokens: undefined, model: undefined },
      'float',
    );
    expect(Object.keys(answer)).toEqual(['object', 'data']);
  });

  it('keeps other members and never lets them replace its own', () => {
    const rest = { id: 'x', object: 'other', data: [], error: null };
    const answer = renderEmbeddingAnswer({ ...ANSWER, tokens: 1, rest }, 'float');
    expect(answer).toMatchObject({ id: 'x', error: null, object: 'list' });
    expect(answer['data']).toHaveLength(2);
  });

  it('gives every caller data of its own', () => {
    const [one, other] = [0, 1].map(() => renderEmbeddingAnswer({ ...ANSWER, tokens: 1 }, 'float'));
    expect(one).toEqual(other);
    expect(one?.['data']).not.toBe(other?.['data']);
  });

  it('gives an answer that reads the same', () => {
    const answer = answerTo(['a', 'b'], { id: 'x' });
    const read = readEmbeddingAnswer(answer, 2);
    if (read === undefined) throw new Error('Expected a readable answer.');
    for (const format of ['float', 'base64'] as const) {
      const text = JSON.stringify(renderEmbeddingAnswer(read, format));
      expect(readEmbeddingAnswer(JSON.parse(text), 2)).toEqual(read);
    }
  });
});
