import { describe, expect, it } from 'vitest';
import { openAiChat } from '../../../lib/llm-cache/protocols/openai-chat.js';
import { cuts, unnamed, verdictOf } from './judged-stream.js';

const choice = (over: object = {}) => ({
  index: 0,
  message: { role: 'assistant', content: 'Hi', refusal: null },
  finish_reason: 'stop',
  ...over,
});
const saying = (message: object, over: object = {}) => choice({ message, ...over });
const completion = (...choices: unknown[]) => ({ id: 'c1', object: 'chat.completion', choices });

const chunk = (...choices: unknown[]) => ({ id: 'c1', object: 'chat.completion.chunk', choices });
const delta = (part: object, index = 0) =>
  chunk({ index, delta: part, finish_reason: null, logprobs: null });
const finish = (reason: unknown, index = 0) => chunk({ index, delta: {}, finish_reason: reason });

const STREAM = unnamed(
  delta({ role: 'assistant', content: '', refusal: null }),
  delta({ content: 'H' }),
  delta({ content: 'i' }),
  finish('stop'),
  { ...chunk(), usage: { total_tokens: 2 } },
  '[DONE]',
);

const TWO_CHOICES = unnamed(
  delta({ content: 'A' }),
  delta({ content: 'B' }, 1),
  finish('stop', 1),
  finish('stop'),
  '[DONE]',
);

const CALL = { index: 0, id: 't1', type: 'function', function: { name: 'f', arguments: '{}' } };

describe('a chat completion', () => {
  it.each([
    ['stop', undefined],
    ['tool_calls', undefined],
    ['function_call', undefined],
    ['length', 'unfinished'],
    ['content_filter', 'unfinished'],
    ['error', 'unfinished'],
    ['STOP', 'unfinished'],
    ['', 'unfinished'],
    [null, 'unfinished'],
    [undefined, 'unfinished'],
  ])('that finished with %j', (reason, verdict) => {
    expect(openAiChat.judge(completion(choice({ finish_reason: reason })))).toBe(verdict);
    const other = choice({ index: 1, finish_reason: reason });
    expect(openAiChat.judge(completion(choice(), other))).toBe(verdict);
  });

  it.each([
    ['a text', { content: 'Hi' }],
    ['a tool call', { content: null, tool_calls: [CALL] }],
    ['a function call', { content: null, function_call: { name: 'f', arguments: '{}' } }],
    ['audio', { content: null, audio: { id: 'a1', data: 'AA==' } }],
    ['thoughts and a text', { content: 'Hi', reasoning_content: 'Hm' }],
    ['parts of content', { content: [{ type: 'thinking' }, { type: 'text', text: 'Hi' }] }],
  ])('of %s is stored', (_what, message) => {
    expect(openAiChat.judge(completion(saying(message)))).toBeUndefined();
  });

  it.each([
    ['no choices', completion(), 'empty'],
    ['no list of choices', { object: 'chat.completion' }, 'empty'],
    ['an empty content', completion(saying({ content: '' })), 'empty'],
    ['a null content', completion(saying({ content: null })), 'empty'],
    ['no content', completion(saying({})), 'empty'],
    ['no message', completion(choice({ message: undefined })), 'empty'],
    ['no tool call', completion(saying({ content: null, tool_calls: [] })), 'empty'],
    ['thoughts alone', completion(saying({ content: '', reasoning_content: 'Hm' })), 'empty'],
    ['a thought part alone', completion(saying({ content: [{ type: 'thinking' }] })), 'empty'],
    ['an empty part', completion(saying({ content: [{ type: 'text', text: '' }] })), 'empty'],
    ['one empty choice', completion(choice(), saying({ content: '' })), 'empty'],
    ['a refusal', completion(saying({ content: null, refusal: 'No' })), 'unfinished'],
    [
      'a refusal beside content',
      completion(saying({ content: 'Hi', refusal: 'No' })),
      'unfinished',
    ],
    ['an error', { error: { message: 'overloaded' } }, 'error'],
    ['an error beside choices', { ...completion(choice()), error: 'x' }, 'error'],
    ['a choice that is none', completion(choice(), null), 'not-json'],
    ['a text', 'Hi', 'not-json'],
    ['nothing', undefined, 'not-json'],
  ])('with %s is not stored', (_what, answer, reason) => {
    expect(openAiChat.judge(answer)).toBe(reason);
  });

  it('with an error of null is stored', () => {
    expect(openAiChat.judge({ ...completion(choice()), error: null })).toBeUndefined();
  });
});

describe('a stream of chat', () => {
  it('is stored when it is whole', () => {
    expect(verdictOf(openAiChat, STREAM)).toBeUndefined();
    expect(verdictOf(openAiChat, TWO_CHOICES)).toBeUndefined();
  });

  it.each(
    [...cuts(STREAM), ...cuts(TWO_CHOICES)].map((events) => [events.length, events] as const),
  )('is not stored when it ends after %i events', (_length, events) => {
    expect(verdictOf(openAiChat, events)).toBe('unfinished');
  });

  it.each([
    ['stop', undefined],
    ['tool_calls', undefined],
    ['function_call', undefined],
    ['length', 'unfinished'],
    ['content_filter', 'unfinished'],
    ['error', 'unfinished'],
    ['', 'unfinished'],
    [null, 'unfinished'],
    [undefined, 'unfinished'],
  ])('that finished with %j', (reason, verdict) => {
    const events = unnamed(delta({ content: 'Hi' }), finish(reason), '[DONE]');
    expect(verdictOf(openAiChat, events)).toBe(verdict);
    const second = unnamed(delta({ content: 'Hi' }, 1), finish(reason, 1));
    expect(verdictOf(openAiChat, [...second, ...STREAM])).toBe(verdict);
  });

  it.each([
    ['a tool call', unnamed(delta({ tool_calls: [CALL] }), finish('tool_calls'), '[DONE]')],
    ['a function call', unnamed(delta({ function_call: {} }), finish('function_call'), '[DONE]')],
    ['audio', unnamed(delta({ audio: { id: 'a1' } }), finish('stop'), '[DONE]')],
    [
      'one chunk',
      unnamed(chunk({ index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }), '[DONE]'),
    ],
    [
      'choices without an index',
      unnamed(chunk({ delta: { content: 'Hi' } }), finish('stop'), '[DONE]'),
    ],
    [
      'filter results around it, as Azure sends them',
      unnamed(
        { ...chunk(), prompt_filter_results: [] },
        delta({ content: 'Hi' }),
        finish('stop'),
        chunk({ index: 0, finish_reason: null, content_filter_results: {} }),
        '[DONE]',
      ),
    ],
    ['anything behind its end', [...STREAM, ['error', 'x'] as const, ...unnamed({ error: 1 })]],
    ['an event without data', [['ping', ''] as const, ...STREAM]],
  ])('with %s is stored', (_what, events) => {
    expect(verdictOf(openAiChat, events)).toBeUndefined();
  });

  it.each([
    ['no output', unnamed(delta({ role: 'assistant', content: '' }), finish('stop'), '[DONE]')],
    ['thoughts alone', unnamed(delta({ reasoning_content: 'Hm' }), finish('stop'), '[DONE]')],
    ['no choice', unnamed(chunk(), '[DONE]')],
    ['one silent choice', [...unnamed(finish('stop', 1)), ...STREAM]],
  ])('with %s is empty', (_what, events) => {
    expect(verdictOf(openAiChat, events)).toBe('empty');
  });

  it.each([
    ['a refusal', unnamed(delta({ refusal: 'No' }))],
    ['a filter that changes its mind', unnamed(finish('content_filter'))],
    ['a choice that never ends', unnamed(delta({ content: 'Hi' }, 1))],
    ['a stop that follows a limit', unnamed(finish('length'), finish('stop'))],
  ])('with %s is unfinished', (_what, events) => {
    const [done, ...rest] = STREAM.toReversed();
    expect(verdictOf(openAiChat, [...rest.toReversed(), ...events, ...(done ? [done] : [])])).toBe(
      'unfinished',
    );
  });

  it.each([
    ['an error', unnamed({ error: { message: 'overloaded' } })],
    ['an error in a chunk', unnamed({ ...delta({ content: 'Hi' }), error: 'x' })],
    ['an error event', [['error', { message: 'overloaded' }] as const]],
    ['an error event without data', [['error', ''] as const]],
    ['half a chunk', unnamed('{"choices":[')],
    ['no object', unnamed('null')],
  ])('with %s failed, wherever it comes', (_what, error) => {
    for (const head of cuts(STREAM)) {
      const events = [...head, ...error, ...STREAM.slice(head.length)];
      expect(verdictOf(openAiChat, events)).toBe('error');
    }
  });

  it('is judged alone, whatever another one said', () => {
    expect(verdictOf(openAiChat, unnamed({ error: 'x' }))).toBe('error');
    expect(verdictOf(openAiChat, STREAM)).toBeUndefined();
  });
});

describe('a request for chat', () => {
  it.each([
    [{ background: true }, 'stateful'],
    [{ background: false }, undefined],
    [{ conversation: 'c1' }, 'stateful'],
    [{ conversation: null }, undefined],
    [{ previous_response_id: 'r1' }, 'stateful'],
    [{ web_search_options: {} }, 'hosted-tool'],
    [{ web_search_options: null }, undefined],
    [{ tools: [{ type: 'function', function: { name: 'f' } }] }, undefined],
    [{ tools: [{ type: 'custom', custom: { name: 'f' } }] }, undefined],
    [{ tools: [{ type: 'web_search' }] }, 'hosted-tool'],
    [{ store: true, metadata: { a: 'b' } }, undefined],
    [{ stream: true }, undefined],
  ])('%j', (over, reason) => {
    expect(openAiChat.bypass({ messages: [], ...over })).toBe(reason);
  });

  it.each([
    [{ stream: true }, true],
    [{ stream: false }, false],
    [{ stream: null }, false],
    [{}, false],
  ])('asks for a stream: %j', (body, isStream) => {
    expect(openAiChat.asksForStream(body)).toBe(isStream);
  });

  it('gets an id and a time of its own, and no padding', () => {
    expect(openAiChat.personalFields({})).toEqual([
      { path: ['id'], kind: 'id' },
      { path: ['created'], kind: 'time' },
      { path: ['obfuscation'], kind: 'padding' },
    ]);
  });
});
