import { describe, expect, it } from 'vitest';
import { openAiResponses } from '../../../lib/llm-cache/protocols/openai-responses.js';
import { cuts, named, unnamed, verdictOf } from './judged-stream.js';

const text = (value: string) => ({ type: 'output_text', text: value, annotations: [] });
const message = (...content: object[]) => ({ type: 'message', status: 'completed', content });
const response = (over: object = {}) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  error: null,
  incomplete_details: null,
  output: [message(text('Hi'))],
  ...over,
});

const completed = (over: object = {}) => ({ type: 'response.completed', response: response(over) });
const BEFORE = [
  { type: 'response.created', response: response({ status: 'in_progress', output: [] }) },
  { type: 'response.in_progress', response: response({ status: 'in_progress', output: [] }) },
  { type: 'response.output_item.added', output_index: 0, item: message() },
  { type: 'response.output_text.delta', delta: 'Hi', obfuscation: 'x9' },
  { type: 'response.output_text.done', text: 'Hi' },
  { type: 'response.output_item.done', output_index: 0, item: message(text('Hi')) },
];
const STREAM = named(...BEFORE, completed());

const JUDGED = [
  ['whole', {}, undefined],
  ['a function call', { output: [{ type: 'function_call', status: 'completed' }] }, undefined],
  ['thoughts and a text', { output: [{ type: 'reasoning' }, message(text('Hi'))] }, undefined],
  ['cut', { status: 'incomplete' }, 'unfinished'],
  ['cut, by its details', { incomplete_details: { reason: 'max_output_tokens' } }, 'unfinished'],
  ['failed', { status: 'failed' }, 'unfinished'],
  ['failed, with an error', { status: 'failed', error: { code: 'server_error' } }, 'error'],
  ['cancelled', { status: 'cancelled' }, 'unfinished'],
  ['queued', { status: 'queued' }, 'unfinished'],
  ['still running', { status: 'in_progress' }, 'unfinished'],
  ['of no status', { status: undefined }, 'unfinished'],
  [
    'cut within an item',
    { output: [{ ...message(text('Hi')), status: 'incomplete' }] },
    'unfinished',
  ],
  ['refused', { output: [message({ type: 'refusal', refusal: 'No' })] }, 'unfinished'],
  [
    'refused after a text',
    { output: [message(text('Hi')), message({ type: 'refusal', refusal: 'No' })] },
    'unfinished',
  ],
  ['without output', { output: [] }, 'empty'],
  ['without a list of output', { output: undefined }, 'empty'],
  ['thoughts alone', { output: [{ type: 'reasoning', summary: [] }] }, 'empty'],
  ['a message without content', { output: [message()] }, 'empty'],
  ['an empty text', { output: [message(text(''))] }, 'empty'],
] as const;

describe('a response', () => {
  it.each(JUDGED)('that is %s', (_what, over, reason) => {
    expect(openAiResponses.judge(response(over))).toBe(reason);
  });

  it.each([
    ['an error', { error: { message: 'x' } }, 'error'],
    ['a text', 'Hi', 'not-json'],
    ['nothing', undefined, 'not-json'],
  ])('that is %s instead', (_what, answer, reason) => {
    expect(openAiResponses.judge(answer)).toBe(reason);
  });
});

describe('a stream of a response', () => {
  it.each(JUDGED)('whose end is %s, is judged as its end', (_what, over, reason) => {
    expect(verdictOf(openAiResponses, named(...BEFORE, completed(over)))).toBe(reason);
  });

  it.each(cuts(STREAM).map((events) => [events.length, events] as const))(
    'is not stored when it ends after %i events',
    (_length, events) => {
      expect(verdictOf(openAiResponses, events)).toBe('unfinished');
    },
  );

  it('may have no names, or [DONE] at its end', () => {
    expect(verdictOf(openAiResponses, unnamed(...BEFORE, completed()))).toBeUndefined();
    expect(verdictOf(openAiResponses, [...STREAM, ...unnamed('[DONE]')])).toBeUndefined();
  });

  it.each([
    ['response.incomplete', { type: 'response.incomplete', response: response() }, 'unfinished'],
    ['response.failed', { type: 'response.failed', response: response() }, 'error'],
    ['error', { type: 'error', code: 'server_error', message: 'x' }, 'error'],
  ] as const)('with %s is not stored, whatever comes behind it', (_what, event, reason) => {
    expect(verdictOf(openAiResponses, named(...BEFORE, event))).toBe(reason);
    expect(verdictOf(openAiResponses, named(...BEFORE, event, completed()))).toBe(reason);
    expect(verdictOf(openAiResponses, unnamed(...BEFORE, event))).toBe(reason);
    expect(verdictOf(openAiResponses, named(...BEFORE, completed(), event))).toBe(reason);
  });

  it.each([
    ['an error event without a type', [['error', { message: 'x' }] as const]],
    ['an error', unnamed({ error: { message: 'x' } })],
    ['half an event', unnamed('{"type":"resp')],
  ])('with %s failed', (_what, events) => {
    expect(verdictOf(openAiResponses, [...events, ...STREAM])).toBe('error');
  });

  it('that is completed without a response is unfinished', () => {
    expect(verdictOf(openAiResponses, named({ type: 'response.completed' }))).toBe('unfinished');
  });
});

describe('a request for a response', () => {
  it.each<[object, string | undefined]>([
    [{ background: true }, 'stateful'],
    [{ background: false }, undefined],
    [{ conversation: 'conv_1' }, 'stateful'],
    [{ conversation: { id: 'conv_1' } }, 'stateful'],
    [{ conversation: null }, undefined],
    [{ previous_response_id: 'resp_1' }, 'stateful'],
    [{ previous_response_id: null }, undefined],
    [{ store: true }, undefined],
    [{ tools: [] }, undefined],
    [{ tools: 'none' }, undefined],
    ...['function', 'custom', 'local_shell'].map(
      (type): [object, undefined] => [{ tools: [{ type }] }, undefined] as const,
    ),
    ...[
      'web_search',
      'web_search_2025_08_26',
      'web_search_preview',
      'web_search_preview_2025_03_11',
      'file_search',
      'code_interpreter',
      'computer_use_preview',
      'image_generation',
      'mcp',
      'a tool of tomorrow',
      undefined,
    ].map((type): [object, string] => [{ tools: [{ type: 'function' }, { type }] }, 'hosted-tool']),
    [{ input: [{ type: 'additional_tools', tools: [{ type: 'mcp' }] }] }, 'hosted-tool'],
    [{ input: [{ type: 'additional_tools', tools: [{ type: 'function' }] }] }, undefined],
  ])('%j', (over, reason) => {
    expect(openAiResponses.bypass({ input: 'Hi', ...over })).toBe(reason);
  });

  it.each([{}, { store: true }, { store: null }])(
    'keeps the ids that can be followed up: %j',
    (body) => {
      expect(openAiResponses.personalFields(body).map(({ kind }) => kind)).toEqual(['padding']);
    },
  );

  it('gets ids and times of its own when nothing is stored', () => {
    const fields = openAiResponses.personalFields({ store: false });
    expect(fields.map(({ path, kind }) => `${kind} ${path.join('.')}`)).toEqual([
      'id id',
      'id response.id',
      'time created_at',
      'time response.created_at',
      'time completed_at',
      'time response.completed_at',
      'padding obfuscation',
    ]);
  });
});
