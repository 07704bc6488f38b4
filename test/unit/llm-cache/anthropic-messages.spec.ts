import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../lib/llm-cache/protocols/anthropic-messages.js';
import { cuts, named, unnamed, verdictOf, type SentEvent } from './judged-stream.js';

const text = (value: string) => ({ type: 'text', text: value });
const tool = { type: 'tool_use', id: 't1', name: 'f', input: {} };
const message = (over: object = {}) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  content: [text('Hi')],
  stop_reason: 'end_turn',
  ...over,
});

const start = {
  type: 'message_start',
  message: message({ content: [], stop_reason: null }),
};
const block = (index: number, content: object, ...deltas: object[]) => [
  { type: 'content_block_start', index, content_block: content },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
];
const said = (value: string) => ({ type: 'text_delta', text: value });
const end = (reason: unknown) => [
  { type: 'message_delta', delta: { stop_reason: reason }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
];
const ping = { type: 'ping' };

const WHOLE = [
  start,
  ...block(
    0,
    { type: 'thinking', thinking: '' },
    { type: 'thinking_delta', thinking: 'Hm' },
    { type: 'signature_delta', signature: 'AA==' },
  ),
  ping,
  ...block(1, text(''), said('H'), said('i')),
  ...block(2, tool, { type: 'input_json_delta', partial_json: '{}' }),
  ...end('tool_use'),
];
const STREAM = named(...WHOLE);

const REASONS = [
  ['end_turn', undefined],
  ['stop_sequence', undefined],
  ['tool_use', undefined],
  ['max_tokens', 'unfinished'],
  ['model_context_window_exceeded', 'unfinished'],
  ['pause_turn', 'unfinished'],
  ['refusal', 'unfinished'],
  ['compaction', 'unfinished'],
  ['a reason of tomorrow', 'unfinished'],
  ['', 'unfinished'],
  [null, 'unfinished'],
  [undefined, 'unfinished'],
] as const;

describe('a message', () => {
  it.each(REASONS)('that stopped with %j', (reason, verdict) => {
    expect(anthropicMessages.judge(message({ stop_reason: reason }))).toBe(verdict);
  });

  it.each([
    ['a tool use', [tool], undefined],
    ['thoughts and a text', [{ type: 'thinking', thinking: 'Hm' }, text('Hi')], undefined],
    ['nothing', [], 'empty'],
    ['an empty text', [text('')], 'empty'],
    ['thoughts alone', [{ type: 'thinking', thinking: 'Hm' }], 'empty'],
    ['hidden thoughts alone', [{ type: 'redacted_thinking', data: 'AA==' }, text('')], 'empty'],
    ['no list', 'Hi', 'empty'],
  ])('of %s', (_what, content, verdict) => {
    expect(anthropicMessages.judge(message({ content }))).toBe(verdict);
  });

  it.each([
    ['an error', { type: 'error', error: { type: 'overloaded_error' } }, 'error'],
    ['an error without a word', { type: 'error' }, 'error'],
    ['an error beside content', message({ error: 'x' }), 'error'],
    ['a text', 'Hi', 'not-json'],
    ['nothing', undefined, 'not-json'],
  ])('that is %s instead', (_what, answer, reason) => {
    expect(anthropicMessages.judge(answer)).toBe(reason);
  });
});

describe('a stream of a message', () => {
  it('is stored when it is whole, whether its events have names or not', () => {
    expect(verdictOf(anthropicMessages, STREAM)).toBeUndefined();
    expect(verdictOf(anthropicMessages, unnamed(...WHOLE))).toBeUndefined();
  });

  it.each(cuts(STREAM).map((events) => [events.length, events] as const))(
    'is not stored when it ends after %i events',
    (_length, events) => {
      expect(verdictOf(anthropicMessages, events)).toBe('unfinished');
    },
  );

  it.each(['message_start', 'message_delta', 'message_stop', 'content_block_stop'])(
    'is not stored without %s',
    (missing) => {
      const events = STREAM.filter(([name]) => name !== missing);
      expect(verdictOf(anthropicMessages, events)).toBe('unfinished');
    },
  );

  it('is not stored when one of its blocks never stops', () => {
    for (const index of [0, 1, 2]) {
      const events = WHOLE.filter(
        (event) =>
          !(event.type === 'content_block_stop' && 'index' in event && event.index === index),
      );
      expect(verdictOf(anthropicMessages, named(...events))).toBe('unfinished');
    }
  });

  it.each(REASONS)('that stopped with %j', (reason, verdict) => {
    const events = named(start, ...block(0, text(''), said('Hi')), ...end(reason));
    expect(verdictOf(anthropicMessages, events)).toBe(verdict);
  });

  it('whose first delta tells no reason yet is stored, one whose reason changes is not', () => {
    const [told] = end('end_turn');
    const untold = { type: 'message_delta', delta: { stop_reason: null } };
    const cut = { type: 'message_delta', delta: { stop_reason: 'max_tokens' } };
    const ending = (...deltas: { type: string }[]) =>
      verdictOf(
        anthropicMessages,
        named(start, ...block(0, text('Hi')), ...deltas, { type: 'message_stop' }),
      );
    expect(told && ending(untold, told)).toBeUndefined();
    expect(told && ending(cut, told)).toBe('unfinished');
    expect(told && ending(told, cut)).toBe('unfinished');
  });

  it.each([
    ['no block', named(start, ...end('end_turn'))],
    ['an empty text', named(start, ...block(0, text(''), said('')), ...end('end_turn'))],
    [
      'thoughts alone',
      named(
        start,
        ...block(0, { type: 'thinking' }, { type: 'thinking_delta', thinking: 'Hm' }),
        ...end('end_turn'),
      ),
    ],
  ])('with %s is empty', (_what, events) => {
    expect(verdictOf(anthropicMessages, events)).toBe('empty');
  });

  it.each<[string, readonly SentEvent[]]>([
    ['an error', [['error', { type: 'error', error: { type: 'overloaded_error' } }]]],
    ['an error without its name', unnamed({ type: 'error', error: { type: 'overloaded_error' } })],
    ['an error without a type', [['error', { message: 'x' }]]],
    ['an error without data', [['error', '']]],
    ['half an event', [['content_block_delta', '{"type":"content_bl']]],
  ])('with %s failed, wherever it comes', (_what, error) => {
    for (const head of [...cuts(STREAM), STREAM]) {
      const events = [...head, ...error, ...STREAM.slice(head.length)];
      expect(verdictOf(anthropicMessages, events)).toBe('error');
    }
  });

  it('may end with [DONE], and have events without data', () => {
    const events: SentEvent[] = [['ping', ''], ...STREAM, [undefined, '[DONE]']];
    expect(verdictOf(anthropicMessages, events)).toBeUndefined();
  });
});

describe('a request for a message', () => {
  it.each<[object, string | undefined]>([
    [{ container: 'container_1' }, 'stateful'],
    [{ container: { skills: [] } }, 'stateful'],
    [{ container: null }, undefined],
    [{ thread: { type: 'create' } }, 'stateful'],
    [{ mcp_servers: [{ type: 'url', url: 'https://mcp.example', name: 'm' }] }, 'hosted-tool'],
    [{ mcp_servers: [] }, undefined],
    [{ tools: [{ name: 'f', input_schema: {} }] }, undefined],
    ...[
      'custom',
      'bash_20250124',
      'text_editor_20250728',
      'memory_20250818',
      'computer_20251124',
    ].map((type): [object, undefined] => [{ tools: [{ type }] }, undefined]),
    ...[
      'web_search_20250305',
      'web_fetch_20260318',
      'code_execution_20260521',
      'tool_search_tool_bm25_20251119',
      'advisor_20260301',
    ].map((type): [object, string] => [{ tools: [{ name: 'f' }, { type }] }, 'hosted-tool']),
    [{ tools: [{ name: 'web_search_mine', input_schema: {} }] }, undefined],
  ])('%j', (over, reason) => {
    expect(anthropicMessages.bypass({ messages: [], ...over })).toBe(reason);
  });

  it('gets an id of its own, in JSON and in the first event', () => {
    expect(anthropicMessages.personalFields({})).toEqual([
      { path: ['id'], kind: 'id' },
      { path: ['message', 'id'], kind: 'id' },
    ]);
    expect(STREAM.filter(([, event]) => Object.hasOwn(Object(event), 'id'))).toEqual([]);
  });
});
