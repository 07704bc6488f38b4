import { Readable, Stream } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { isPlainJson, isStorableStatus } from '../../../lib/llm-cache/policy/storable.js';
import { json } from '../../../lib/llm-cache/protocols/json.js';
import { isStreamedAnswer } from '../../../lib/llm-cache/policy/streamed-answer.js';

const choice = (over: object = {}) => ({
  index: 0,
  message: { role: 'assistant', content: 'Hi', refusal: null },
  finish_reason: 'stop',
  ...over,
});
const chat = (...choices: object[]) => ({ id: 'c1', object: 'chat.completion', choices });
const message = (over: object = {}) => ({
  type: 'message',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  ...over,
});
const response = (over: object = {}) => ({
  object: 'response',
  status: 'completed',
  error: null,
  output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }],
  ...over,
});

async function* generator() {
  yield 'a';
}
/** Both thenable and async iterable, like a query of Mongoose. */
function lazyQuery(): object {
  const query = { [Symbol.asyncIterator]: generator };
  // oxlint-disable-next-line unicorn/no-thenable -- that is what it is
  return Object.defineProperty(query, 'then', { value: () => 1 });
}

const streams: readonly [string, unknown][] = [
  ['StreamableFile', new StreamableFile(Buffer.from('a'))],
  ['Node stream', Readable.from(['a'])],
  ['Node stream of the old kind', new Stream()],
  ['web ReadableStream', new ReadableStream()],
  ['web Response', new Response('a')],
  ['async generator', generator()],
  ['async iterable', { [Symbol.asyncIterator]: generator }],
  ['plain object around a stream', { data: Readable.from(['a']) }],
];

describe('a complete answer is stored', () => {
  it.each([
    ['chat', chat(choice())],
    ['chat with tool calls', chat(choice({ finish_reason: 'tool_calls' }))],
    [
      'chat with tool calls and no content',
      chat(choice({ message: { content: null, tool_calls: [{ id: 't' }] } })),
    ],
    ['chat with several choices', chat(choice(), choice({ index: 1 }))],
    ['text completion', { choices: [{ text: 'Hi', finish_reason: 'stop' }] }],
    ['message', message()],
    ['message with a tool use', message({ stop_reason: 'tool_use' })],
    ['message at a stop sequence', message({ stop_reason: 'stop_sequence' })],
    ['response', response()],
    ['embeddings', { object: 'list', data: [{ index: 0, embedding: [0.1] }] }],
    ['any object', { a: [1, true, null, { b: 'c' }] }],
    ['an object with a status of its own', { status: 'failed' }],
    ['an object with an undefined member', { a: undefined, b: 1 }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['an array', [1, 2]],
    ['an empty array', []],
    ['a string', 'Hi'],
    ['zero', 0],
    ['false', false],
  ])('%s', (_what, answer) => {
    expect(isPlainJson(answer)).toBe(true);
    expect(json.judge(answer)).toBeUndefined();
  });
});

describe('an answer that is not complete is not stored', () => {
  it.each([
    ['cut at the length limit', chat(choice({ finish_reason: 'length' })), 'unfinished'],
    ['filtered', chat(choice({ finish_reason: 'content_filter' })), 'unfinished'],
    ['failed at the provider', chat(choice({ finish_reason: 'error' })), 'unfinished'],
    ['still running', chat(choice({ finish_reason: null })), 'unfinished'],
    [
      'one of several choices cut',
      chat(choice(), choice({ finish_reason: 'length' })),
      'unfinished',
    ],
    ['refused', chat(choice({ message: { content: null, refusal: 'No' } })), 'unfinished'],
    ['without choices', chat(), 'empty'],
    ['with an empty message', chat(choice({ message: { content: '' } })), 'empty'],
    [
      'with no tool call either',
      chat(choice({ message: { content: null, tool_calls: [] } })),
      'empty',
    ],
    ['with an empty text', { choices: [{ text: '', finish_reason: 'stop' }] }, 'empty'],
    ['message cut', message({ stop_reason: 'max_tokens' }), 'unfinished'],
    ['message refused', message({ stop_reason: 'refusal' }), 'unfinished'],
    ['message paused', message({ stop_reason: 'pause_turn' }), 'unfinished'],
    ['message still running', message({ stop_reason: null }), 'unfinished'],
    ['message without content', message({ content: [] }), 'empty'],
    ['response cut', response({ status: 'incomplete' }), 'unfinished'],
    ['response failed', response({ status: 'failed' }), 'unfinished'],
    ['response still running', response({ status: 'in_progress' }), 'unfinished'],
    ['response without output', response({ output: [] }), 'empty'],
    [
      'response refused',
      response({ output: [{ content: [{ type: 'refusal', refusal: 'No' }] }] }),
      'unfinished',
    ],
    ['an error with status 200', { error: { message: 'overloaded' } }, 'error'],
    ['an error beside choices', { ...chat(choice()), error: 'x' }, 'error'],
    ['an empty text', '', 'empty'],
  ])('%s', (_what, answer, reason) => {
    expect(json.judge(answer)).toBe(reason);
  });

  it.each([202, 203, 204, 206, 301, 400, 401, 429, 500, 503])('status %i', (status) => {
    expect(isStorableStatus(status)).toBe(false);
  });
});

describe('an answer that JSON would change is not stored', () => {
  class User {
    name = 'Bob';
  }
  it.each([
    ['a class instance', new User()],
    ['a nested class instance', { users: [new User()] }],
    ['a Date', { at: new Date(0) }],
    ['a Map', new Map()],
    ['a Buffer', Buffer.from('a')],
    ['a function', { f: () => 1 }],
    ['a member with toJSON', { toJSON: () => ({}) }],
    ['a bigint', { n: 1n }],
    ['NaN', { n: Number.NaN }],
    ['a hole', { items: [1, undefined] }],
    ['a member named by a symbol', { [Symbol('s')]: 1 }],
    ['a sync generator', (function* () {})()],
  ])('%s', (_what, answer) => {
    expect(isPlainJson(answer)).toBe(false);
  });

  it('a circular object', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(isPlainJson(circular)).toBe(false);
  });
});

describe('a streamed answer', () => {
  it.each(streams)('%s is recognised', (_what, answer) => {
    expect(isStreamedAnswer(answer)).toBe(true);
  });

  it('is not read by looking at it', async () => {
    const stream = Readable.from(['a']);
    const answer = new Response('a');
    expect([isStreamedAnswer(stream), isStreamedAnswer(answer)]).toEqual([true, true]);
    expect(Readable.isDisturbed(stream)).toBe(false);
    expect([answer.bodyUsed, answer.body?.locked]).toEqual([false, false]);
    expect(await answer.text()).toBe('a');
  });

  it.each([
    ['a string', 'a'],
    ['an array', [1]],
    ['an object', { a: 1 }],
    ['a lazy query that is iterable', lazyQuery()],
    ['undefined', undefined],
  ])('is not %s', (_what, answer) => {
    expect(isStreamedAnswer(answer)).toBe(false);
  });
});
