import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/llm-cache/protocols/anthropic-messages.js';
import { json } from '../../../../lib/llm-cache/protocols/json.js';
import type { LlmProtocol } from '../../../../lib/llm-cache/protocols/llm-protocol.interface.js';
import { openAiChat, openAiText } from '../../../../lib/llm-cache/protocols/openai-chat.js';
import { openAiEmbeddings } from '../../../../lib/llm-cache/protocols/openai-embeddings.js';
import { openAiResponses } from '../../../../lib/llm-cache/protocols/openai-responses.js';
import { PROTOCOLS } from '../../../../lib/llm-cache/protocols/protocols.js';

const CHAT = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: {
    prompt_tokens: 19,
    completion_tokens: 10,
    total_tokens: 29,
    prompt_tokens_details: { cached_tokens: 16 },
    completion_tokens_details: { reasoning_tokens: 4 },
  },
};
const CHUNK = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }],
  usage: null,
};
const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-5-2025-08-07',
  output: [],
  usage: {
    input_tokens: 36,
    input_tokens_details: { cached_tokens: 12 },
    output_tokens: 87,
    output_tokens_details: { reasoning_tokens: 64 },
    total_tokens: 123,
  },
};
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  usage: {
    input_tokens: 9,
    cache_creation_input_tokens: 200,
    cache_read_input_tokens: 3_000,
    output_tokens: 12,
  },
};
const EMBEDDINGS = {
  object: 'list',
  data: [{ object: 'embedding', index: 0, embedding: [0.5] }],
  model: 'text-embedding-3-small',
  usage: { prompt_tokens: 8, total_tokens: 8 },
};

type Row = readonly [
  api: LlmProtocol,
  what: string,
  answer: Record<string, unknown>,
  usage: object | undefined,
];

const ANSWERS: readonly Row[] = [
  [openAiChat, 'a completion', CHAT, of('gpt-4o-2024-08-06', 19, 10)],
  [
    openAiText,
    'a completion',
    { ...CHAT, object: 'text_completion', choices: [{ text: 'Hi', finish_reason: 'stop' }] },
    of('gpt-4o-2024-08-06', 19, 10),
  ],
  [openAiResponses, 'a response', RESPONSE, of('gpt-5-2025-08-07', 36, 87)],
  [anthropicMessages, 'a message', MESSAGE, of('claude-sonnet-4-5-20250929', 3_209, 12)],
];

const EVENTS: readonly Row[] = [
  [openAiChat, 'a chunk of text', CHUNK, { model: 'gpt-4o-2024-08-06' }],
  [
    openAiChat,
    'the chunk of usage',
    { ...CHUNK, choices: [], usage: CHAT.usage },
    of('gpt-4o-2024-08-06', 19, 10),
  ],
  [
    openAiChat,
    "Azure's first chunk",
    { ...CHUNK, choices: [], model: '', prompt_filter_results: [] },
    undefined,
  ],
  [
    openAiResponses,
    'a response that begins',
    { type: 'response.created', response: { ...RESPONSE, status: 'in_progress', usage: null } },
    { model: 'gpt-5-2025-08-07' },
  ],
  [
    openAiResponses,
    'a piece of text',
    { type: 'response.output_text.delta', delta: 'Hi' },
    undefined,
  ],
  [
    openAiResponses,
    'a response that is complete',
    { type: 'response.completed', response: RESPONSE },
    of('gpt-5-2025-08-07', 36, 87),
  ],
  [
    anthropicMessages,
    'a message that begins',
    { type: 'message_start', message: { ...MESSAGE, stop_reason: null } },
    { model: 'claude-sonnet-4-5-20250929', inputTokens: 3_209 },
  ],
  [anthropicMessages, 'a ping', { type: 'ping' }, undefined],
  [
    anthropicMessages,
    'the output so far',
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } },
    { outputTokens: 15 },
  ],
  [
    anthropicMessages,
    'input and output so far',
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn' },
      usage: { ...MESSAGE.usage, cache_creation_input_tokens: null, output_tokens: 510 },
    },
    { inputTokens: 3_009, outputTokens: 510 },
  ],
];

function of(model: string, inputTokens: number, outputTokens: number): object {
  return { model, inputTokens, outputTokens };
}

describe.each([...ANSWERS, ...EVENTS])('$name: %s', (api, what, answer, usage) => {
  it(`the tokens of ${what}`, () => {
    expect(api.usage?.(answer)).toEqual(usage);
  });

  it(`the tokens of ${what}, on a route that nobody knows`, () => {
    expect(json.usage?.(answer)).toEqual(usage);
  });
});

it('embeddings have no output', () => {
  expect(openAiEmbeddings.usage?.(EMBEDDINGS)).toEqual(of('text-embedding-3-small', 8, 0));
  expect(openAiEmbeddings.usage?.({ ...EMBEDDINGS, usage: null })).toEqual({
    model: 'text-embedding-3-small',
  });
});

it('what looks like no answer of a model has no tokens', () => {
  expect(json.usage?.({ model: 'm', usage: { prompt_tokens: 1, completion_tokens: 2 } })).toBe(
    undefined,
  );
});

describe.each<[api: LlmProtocol, answer: (tokens: unknown) => object]>([
  [openAiChat, (n) => ({ usage: { prompt_tokens: n, completion_tokens: n } })],
  [openAiResponses, (n) => ({ usage: { input_tokens: n, output_tokens: n } })],
  [anthropicMessages, (n) => ({ usage: { input_tokens: n, output_tokens: n } })],
  [openAiEmbeddings, (n) => ({ usage: { prompt_tokens: n } })],
])('$name', (api, answer) => {
  it.each([-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '7', null, [7], { n: 7 }])(
    'has no %j tokens',
    (tokens) => {
      expect(api.usage?.({ ...answer(tokens) })).toBeUndefined();
    },
  );

  it('has 0 tokens', () => {
    expect(api.usage?.({ ...answer(0) })).toMatchObject({ inputTokens: 0, outputTokens: 0 });
  });
});

it.each([-1, 'many', 2 ** 53 - 1])(
  'the input of a message is unknown with %j tokens from the prompt cache',
  (tokens) => {
    const usage = { ...MESSAGE.usage, cache_read_input_tokens: tokens };
    expect(anthropicMessages.usage?.({ ...MESSAGE, usage })).toEqual({
      model: MESSAGE.model,
      outputTokens: 12,
    });
  },
);

/** Those that are read, and two that every object inherits. */
const MEMBERS = `usage model message response type object choices stop_reason
  prompt_tokens completion_tokens input_tokens output_tokens
  cache_read_input_tokens cache_creation_input_tokens __proto__ toString`.split(/\s+/);

describe('whatever JSON an upstream sends', () => {
  const name = fc.constantFrom(...MEMBERS);
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.jsonValue(),
      fc.constantFrom('message_start', 'message_delta', 'response.completed', 'chat.completion'),
      fc.double(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 6 }),
    ),
  }));
  const answer = fc.dictionary(name, value, { maxKeys: 6 });

  it.each(PROTOCOLS.map((api) => [api.name, api] as const))(
    '%s does not throw, and counts from 0 up',
    (_name, api) => {
      fc.assert(
        fc.property(answer, (sent) => {
          const { inputTokens = 0, outputTokens = 0, model = 'm' } = api.usage?.(sent) ?? {};
          expect([inputTokens, outputTokens].every(Number.isSafeInteger)).toBe(true);
          expect(Math.min(inputTokens, outputTokens)).toBeGreaterThanOrEqual(0);
          expect(model).toMatch(/./s);
        }),
        { numRuns: 1_000 },
      );
    },
  );
});
