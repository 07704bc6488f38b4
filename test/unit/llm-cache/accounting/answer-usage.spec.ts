import { describe, expect, it } from 'vitest';
import { answerUsage } from '../../../../lib/llm-cache/accounting/answer-usage.js';
import { anthropicMessages } from '../../../../lib/llm-cache/protocols/anthropic-messages.js';
import { json } from '../../../../lib/llm-cache/protocols/json.js';
import type { LlmProtocol } from '../../../../lib/llm-cache/protocols/llm-protocol.interface.js';
import { openAiChat } from '../../../../lib/llm-cache/protocols/openai-chat.js';
import { openAiResponses } from '../../../../lib/llm-cache/protocols/openai-responses.js';
import type { AnswerHead } from '../../../../lib/llm-cache/recording/answer.js';
import { toWire } from '../../../../lib/llm-cache/recording/chunk.js';
import type { Frame } from '../../../../lib/llm-cache/recording/entry.js';
import { recordAnswer } from '../../../../lib/llm-cache/recording/record-answer.js';

interface Stream {
  readonly api: LlmProtocol;
  readonly events: readonly object[];
  readonly isNamed: boolean;
  readonly usage: object;
}

const chunk = (choices: readonly object[], more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'gpt-4o-mini',
  choices,
  ...more,
});
const words = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    chunk([{ index: 0, delta: { content: `word ${index} ` }, finish_reason: null }]),
  );
const CHAT_END = chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]);
const CHAT_USAGE = chunk([], { usage: { prompt_tokens: 9, completion_tokens: 21 } });

const MESSAGE_START = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    model: 'claude-haiku-4-5',
    content: [],
    usage: { input_tokens: 25, cache_read_input_tokens: 1_000, output_tokens: 1 },
  },
};
const messageDelta = (stopReason: string | null, outputTokens: number) => ({
  type: 'message_delta',
  delta: { stop_reason: stopReason },
  usage: { output_tokens: outputTokens },
});
const message = (...deltas: readonly object[]) => [
  MESSAGE_START,
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ...Array.from({ length: 200 }, () => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: '"usage": {"output_tokens": 999}' },
  })),
  { type: 'content_block_stop', index: 0 },
  ...deltas,
  { type: 'message_stop' },
];

const response = (over: object) => ({
  id: 'resp_1',
  object: 'response',
  model: 'gpt-5',
  status: 'completed',
  output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }],
  ...over,
});

const STREAMS: Readonly<Record<string, Stream>> = {
  'chat with usage': {
    api: openAiChat,
    events: [...words(3), CHAT_END, CHAT_USAGE],
    isNamed: false,
    usage: { model: 'gpt-4o-mini', inputTokens: 9, outputTokens: 21 },
  },
  'chat without usage': {
    api: openAiChat,
    events: [...words(300), CHAT_END],
    isNamed: false,
    usage: { model: 'gpt-4o-mini' },
  },
  'chat whose chunks all count': {
    api: openAiChat,
    events: [
      { ...words(1)[0], usage: { prompt_tokens: 9, completion_tokens: 1 } },
      { ...CHAT_END, usage: { prompt_tokens: 9, completion_tokens: 4 } },
    ],
    isNamed: false,
    usage: { model: 'gpt-4o-mini', inputTokens: 9, outputTokens: 4 },
  },
  'a long message with tokens at both of its ends': {
    api: anthropicMessages,
    events: message(messageDelta('end_turn', 15)),
    isNamed: true,
    usage: { model: 'claude-haiku-4-5', inputTokens: 1_025, outputTokens: 15 },
  },
  'a message that counts its output up': {
    api: anthropicMessages,
    events: message(messageDelta(null, 8), messageDelta('end_turn', 15)),
    isNamed: true,
    usage: { model: 'claude-haiku-4-5', inputTokens: 1_025, outputTokens: 15 },
  },
  'a message that does not tell its output': {
    api: anthropicMessages,
    events: message({ type: 'message_delta', delta: { stop_reason: 'end_turn' } }),
    isNamed: true,
    usage: { model: 'claude-haiku-4-5', inputTokens: 1_025 },
  },
  'a response': {
    api: openAiResponses,
    events: [
      { type: 'response.created', response: response({ status: 'in_progress', usage: null }) },
      { type: 'response.output_text.delta', delta: 'Hi' },
      {
        type: 'response.completed',
        response: response({ usage: { input_tokens: 5, output_tokens: 6 } }),
      },
    ],
    isNamed: true,
    usage: { model: 'gpt-5', inputTokens: 5, outputTokens: 6 },
  },
};

function recorded(
  head: Pick<AnswerHead, 'kind' | 'headers'>,
  chunks: readonly unknown[],
  api: LlmProtocol,
): readonly Frame[] {
  const pieces = chunks.map((piece) => ({ wire: toWire(piece), atMs: 0 }));
  const request = { stream: head.kind !== 'value' };
  const frames = recordAnswer({ ...head, status: 200 }, pieces, api, request);
  if (typeof frames === 'string') throw new Error(`The sample is not stored: ${frames}.`);
  return frames;
}

function wireText({ events, isNamed }: Stream): string {
  const texts = events.map((event) => {
    const name = isNamed && 'type' in event ? `event: ${String(event.type)}\r\n` : '';
    return `${name}data: ${JSON.stringify(event)}\r\n\r\n`;
  });
  return `\uFEFF: hello\r\n\r\n${texts.join('')}${isNamed ? '' : 'data: [DONE]\r\n\r\n'}`;
}

describe.each(Object.entries(STREAMS))('the tokens of %s', (_what, stream) => {
  const { api, events, isNamed, usage } = stream;
  const done = isNamed ? [] : ['[DONE]'];
  const sse = { kind: 'response', headers: { 'content-type': 'text/event-stream' } } as const;

  it.each([api, json])('are those of its bytes, however they were cut, for $name', (asked) => {
    const bytes = Buffer.from(wireText(stream));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 97) }, (_, index) =>
      bytes.subarray(index * 97, (index + 1) * 97),
    );
    expect(answerUsage(recorded(sse, pieces, asked), asked)).toEqual(usage);
  });

  it('are those of its text', () => {
    expect(answerUsage(recorded(sse, [wireText(stream)], api), api)).toEqual(usage);
  });

  it.each<[string, (data: object) => unknown]>([
    ['objects with an object as data', (data) => ({ data })],
    ['objects with a text as data', (data) => ({ data: JSON.stringify(data), id: '7' })],
    ['texts', (data) => JSON.stringify(data)],
  ])('are those of events that are %s', (_form, toEvent) => {
    const emitted = [...events.map((event) => toEvent(event)), ...done.map((data) => ({ data }))];
    const frames = recorded({ kind: 'events', headers: {} }, emitted, api);
    expect(answerUsage(frames, api)).toEqual(usage);
  });
});

it('the tokens of objects that go out as lines of JSON', () => {
  const frames = recorded(
    { kind: 'iterable', headers: {} },
    message(messageDelta('end_turn', 15)),
    anthropicMessages,
  );
  expect(frames.map(({ form }) => form)).toContain('json');
  expect(answerUsage(frames, anthropicMessages)).toEqual({
    model: 'claude-haiku-4-5',
    inputTokens: 1_025,
    outputTokens: 15,
  });
});

describe('the tokens of one JSON text', () => {
  const completion = {
    object: 'chat.completion',
    model: 'gpt-4o-mini',
    choices: [{ index: 0, message: { content: 'data: {}\n\n' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 9, completion_tokens: 21 },
  };

  it.each<[string, unknown]>([
    ['an object', completion],
    ['a text', JSON.stringify(completion)],
    ['bytes', Buffer.from(JSON.stringify(completion, null, 2))],
  ])('as %s', (_what, value) => {
    expect(
      answerUsage(recorded({ kind: 'value', headers: {} }, [value], openAiChat), openAiChat),
    ).toEqual({ model: 'gpt-4o-mini', inputTokens: 9, outputTokens: 21 });
  });

  it('are unknown where it has none', () => {
    const frames = recorded({ kind: 'value', headers: {} }, ['Hello'], json);
    expect(answerUsage(frames, json)).toEqual({});
    expect(answerUsage([], json)).toEqual({});
  });
});

describe('the work', () => {
  const frameOf = (answer: object): Frame => ({
    form: 'json',
    bytes: Buffer.from(JSON.stringify(answer)),
    atMs: 0,
    personal: [],
  });

  it('is bounded by frames, and looks at both ends', () => {
    const seen: unknown[] = [];
    const frames = Array.from({ length: 10_000 }, (_, n) => frameOf({ n }));
    answerUsage(frames, { usage: ({ n }) => void seen.push(n) });
    expect(seen).toHaveLength(64);
    expect(seen).toContain(0);
    expect(seen).toContain(9_999);
  });

  it('is bounded by bytes: a large frame is left out, the others are not', () => {
    const usage = { prompt_tokens: 9, completion_tokens: 21 };
    const large = frameOf({ usage, padding: 'x'.repeat(5 * 1024 * 1024) });
    expect(answerUsage([large], openAiChat)).toEqual({});
    expect(answerUsage([large, frameOf({ model: 'm' })], openAiChat)).toEqual({ model: 'm' });
  });

  it('ends when all is known', () => {
    const seen: unknown[] = [];
    const frames = Array.from({ length: 50 }, (_, n) => frameOf({ n }));
    answerUsage(frames, {
      usage: ({ n }) => {
        seen.push(n);
        return { inputTokens: 1, outputTokens: 2, model: 'm' };
      },
    });
    expect(seen).toEqual([49]);
  });
});

describe("a protocol of the user's", () => {
  const frames = recorded({ kind: 'value', headers: {} }, [{ a: 1 }], json);

  it.each<[string, Pick<LlmProtocol, 'usage'>, object]>([
    ['that tells no tokens', {}, {}],
    [
      'that throws',
      {
        usage: () => {
          throw new Error('No.');
        },
      },
      {},
    ],
    [
      'that tells what cannot be',
      { usage: () => ({ inputTokens: -1, outputTokens: 2 }) },
      { outputTokens: 2 },
    ],
  ])('%s', (_what, protocol, usage) => {
    expect(answerUsage(frames, protocol)).toEqual(usage);
  });
});
