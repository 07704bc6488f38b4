import { describe, expect, it } from 'vitest';
import { openAiText } from '../../../lib/llm-cache/protocols/openai-chat.js';
import { cuts, unnamed, verdictOf } from './judged-stream.js';

const choice = (text: unknown, finishReason: unknown, index = 0) => ({
  index,
  text,
  logprobs: null,
  finish_reason: finishReason,
});
const completion = (...choices: object[]) => ({ id: 'c1', object: 'text_completion', choices });

const STREAM = unnamed(
  completion(choice('H', null)),
  completion(choice('A', null, 1)),
  completion(choice('i', null)),
  completion(choice('', 'stop', 1)),
  completion(choice('', 'stop')),
  '[DONE]',
);

describe('a text completion', () => {
  it.each([
    ['whole', completion(choice('Hi', 'stop')), undefined],
    ['of several choices', completion(choice('A', 'stop'), choice('B', 'stop', 1)), undefined],
    ['cut', completion(choice('Hi', 'length')), 'unfinished'],
    [
      'cut in one of its choices',
      completion(choice('A', 'stop'), choice('B', 'length', 1)),
      'unfinished',
    ],
    ['filtered', completion(choice('Hi', 'content_filter')), 'unfinished'],
    ['still running', completion(choice('Hi', null)), 'unfinished'],
    ['empty', completion(choice('', 'stop')), 'empty'],
    ['without a text', completion(choice(undefined, 'stop')), 'empty'],
    ['without choices', completion(), 'empty'],
    ['failed', { error: { message: 'x' } }, 'error'],
  ])('that is %s', (_what, answer, reason) => {
    expect(openAiText.judge(answer)).toBe(reason);
  });

  it('is stored from a whole stream', () => {
    expect(verdictOf(openAiText, STREAM)).toBeUndefined();
  });

  it.each(cuts(STREAM).map((events) => [events.length, events] as const))(
    'is not stored from a stream that ends after %i events',
    (_length, events) => {
      expect(verdictOf(openAiText, events)).toBe('unfinished');
    },
  );

  it.each([
    ['a cut', [completion(choice('Hi', 'length'))], 'unfinished'],
    ['no text', [completion(choice('', 'stop'))], 'empty'],
    ['an error', [completion(choice('Hi', 'stop')), { error: 'x' }], 'error'],
  ])('is not stored from a stream with %s', (_what, data, reason) => {
    expect(verdictOf(openAiText, unnamed(...data, '[DONE]'))).toBe(reason);
  });

  it('gets an id and a time of its own', () => {
    const paths = openAiText.personalFields({}).map(({ path }) => path.join('.'));
    expect(paths).toEqual(['id', 'created', 'obfuscation']);
  });
});
