import { describe, expect, it } from 'vitest';
import { openAiEmbeddings } from '../../../lib/llm-cache/protocols/openai-embeddings.js';

const data = [{ object: 'embedding', index: 0, embedding: [0.1] }];

describe('embeddings', () => {
  it.each([
    ['are stored', { object: 'list', data }, undefined],
    ['with an error of null are stored', { data, error: null }, undefined],
    ['without vectors are empty', { object: 'list', data: [] }, 'empty'],
    ['without a list are empty', { object: 'list' }, 'empty'],
    ['with an error failed', { error: { message: 'x' } }, 'error'],
    ['with an error beside data failed', { data, error: 'x' }, 'error'],
    ['that are a list are none', data, 'not-json'],
    ['that are nothing are none', undefined, 'not-json'],
  ])('%s', (_what, answer, reason) => {
    expect(openAiEmbeddings.judge(answer)).toBe(reason);
  });

  it('are never streamed nor bypassed, and hold nothing personal', () => {
    expect(openAiEmbeddings.asksForStream({ input: 'Hi', stream: true })).toBe(false);
    expect(openAiEmbeddings.bypass({ input: 'Hi', background: true })).toBeUndefined();
    expect(openAiEmbeddings.personalFields({ input: 'Hi' })).toEqual([]);
  });
});
