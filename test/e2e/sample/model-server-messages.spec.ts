import Anthropic, { BadRequestError, NotFoundError } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import type { LocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';

const AT_ONCE = { firstTokenMs: [0, 0], tokensPerSecond: Infinity } as const;
const QUESTION = {
  model: 'any-name-at-all',
  max_tokens: 4096,
  messages: [{ role: 'user' as const, content: 'Why cache an answer?' }],
};
const THINKING = { ...QUESTION, thinking: { type: 'enabled' as const, budget_tokens: 1024 } };
const WITH_TOOL = {
  ...QUESTION,
  messages: [{ role: 'user' as const, content: 'How warm is it?' }],
  tools: [
    {
      name: 'get_weather',
      input_schema: {
        type: 'object' as const,
        properties: { city: { type: 'string', enum: ['Oslo', 'Rome'] } },
      },
    },
  ],
};

describe('the Messages API of the local model server, through the official Anthropic client', () => {
  let server: LocalModelServer;
  let anthropic: Anthropic;

  beforeAll(async () => {
    server = await startLocalModelServer(AT_ONCE);
    anthropic = new Anthropic({
      baseURL: server.url.replace(/\/v1$/, ''),
      apiKey: 'unused',
      maxRetries: 0,
    });
  });
  afterAll(() => server.close());

  async function eventsOf(
    request: Anthropic.MessageCreateParamsNonStreaming,
  ): Promise<Anthropic.RawMessageStreamEvent[]> {
    const events = [];
    for await (const event of await anthropic.messages.create({ ...request, stream: true })) {
      events.push(event);
    }
    return events;
  }

  const textOf = ({ content }: Anthropic.Message): string =>
    content.map((block) => (block.type === 'text' ? block.text : '')).join('');

  it('gives the same question the same answer, with a fresh id', async () => {
    const first = await anthropic.messages.create(QUESTION);
    const second = await anthropic.messages.create(QUESTION);
    expect(first).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn' });
    expect(textOf(first)).toContain('Why cache an answer?');
    expect(second.content).toEqual(first.content);
    expect(second.id).not.toBe(first.id);
    expect(first.usage.input_tokens).toBeGreaterThan(0);
  });

  it('carries a request id', async () => {
    const { request_id } = await anthropic.messages.create(QUESTION).withResponse();
    expect(request_id).toMatch(/^req_/);
  });

  it('gives another answer to another system prompt, and with another beta', async () => {
    const answers = [
      await anthropic.messages.create(QUESTION),
      await anthropic.messages.create({ ...QUESTION, system: 'Be brief.' }),
      await anthropic.messages.create(QUESTION, { headers: { 'anthropic-beta': 'x-2025-01-01' } }),
    ];
    expect(new Set(answers.map(textOf)).size).toBe(3);
  });

  it('streams the same message that it gives as JSON', async () => {
    const json = await anthropic.messages.create(QUESTION);
    const streamed = await anthropic.messages.stream(QUESTION).finalMessage();
    expect(streamed.content).toEqual(json.content);
    expect(streamed.stop_reason).toBe('end_turn');
    expect(streamed.usage).toEqual(json.usage);
  });

  it('streams the events of a message in order, the usage cumulative', async () => {
    const events = await eventsOf(QUESTION);
    const kinds = events.map(({ type }) => type);
    expect(kinds.filter((type, index) => type !== kinds[index - 1])).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    const { usage } = await anthropic.messages.create(QUESTION);
    expect(events[0]).toHaveProperty('message.usage.input_tokens', usage.input_tokens);
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens },
    });
  });

  it('names every event on the wire, and pings', async () => {
    const response = await fetch(`${server.url}/messages`, {
      method: 'POST',
      headers: { 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...QUESTION, stream: true }),
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const frames = (await response.text()).split('\n\n');
    expect(frames.pop()).toBe('');
    const names = frames.map((frame) => {
      const [, name = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? [];
      expect(JSON.parse(data)).toHaveProperty('type', name);
      return name;
    });
    expect(names.slice(0, 3)).toEqual(['message_start', 'content_block_start', 'ping']);
  });

  it('thinks first when asked to, and signs its thoughts', async () => {
    const json = await anthropic.messages.create(THINKING);
    const streamed = await anthropic.messages.stream(THINKING).finalMessage();
    for (const { content } of [json, streamed]) {
      expect(content).toMatchObject([{ type: 'thinking' }, { type: 'text' }]);
      const [thought] = content;
      expect(thought?.type === 'thinking' && thought.signature).toMatch(/^[\w+/=]{100,}$/);
    }
    const [thought] = json.content;
    expect(streamed.content[0]).toMatchObject({
      thinking: thought?.type === 'thinking' && thought.thinking,
    });
    const kinds = (await eventsOf(THINKING)).flatMap((event) =>
      event.type === 'content_block_delta' ? [event.delta.type] : [],
    );
    expect([...new Set(kinds)]).toEqual(['thinking_delta', 'signature_delta', 'text_delta']);
  });

  it('uses a tool, and streams its input', async () => {
    const json = await anthropic.messages.create(WITH_TOOL);
    const streamed = await anthropic.messages.stream(WITH_TOOL).finalMessage();
    for (const { content, stop_reason } of [json, streamed]) {
      expect(stop_reason).toBe('tool_use');
      expect(content).toMatchObject([{ type: 'tool_use', name: 'get_weather' }]);
      const [use] = content;
      const { city } = (use?.type === 'tool_use' ? use.input : {}) as { city?: string };
      expect(['Oslo', 'Rome']).toContain(city);
    }
    const pieces = (await eventsOf(WITH_TOOL)).flatMap((event) =>
      event.type === 'content_block_delta' && event.delta.type === 'input_json_delta'
        ? [event.delta.partial_json]
        : [],
    );
    const [use] = json.content;
    expect(pieces.length).toBeGreaterThan(3);
    expect(JSON.parse(pieces.join(''))).toEqual(use?.type === 'tool_use' && use.input);
  });

  it('answers the result of a tool in words', async () => {
    const { content } = await anthropic.messages.create(WITH_TOOL);
    const [use] = content;
    const answer = await anthropic.messages.create({
      ...WITH_TOOL,
      messages: [
        ...WITH_TOOL.messages,
        { role: 'assistant', content },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: use?.type === 'tool_use' ? use.id : '',
              content: [{ type: 'text', text: '18 degrees' }],
            },
          ],
        },
      ],
    });
    expect(textOf(answer)).toContain('18 degrees');
  });

  it('stops at max_tokens', async () => {
    const cut = { ...QUESTION, max_tokens: 5 };
    expect(await anthropic.messages.create(cut)).toMatchObject({
      stop_reason: 'max_tokens',
      usage: { output_tokens: 5 },
    });
    expect((await anthropic.messages.stream(cut).finalMessage()).stop_reason).toBe('max_tokens');
  });

  it.each([
    ['no model', { max_tokens: 9, messages: QUESTION.messages }, 'model: Field required'],
    ['no limit', { model: 'm', messages: QUESTION.messages }, 'max_tokens: Field required'],
    ['no messages', { model: 'm', max_tokens: 9 }, 'messages: Field required'],
    ['a message without a role', { ...QUESTION, messages: [{}] }, 'messages.0.role'],
    ['thoughts beyond the limit', { ...THINKING, max_tokens: 1024 }, 'thinking.budget_tokens'],
  ])('refuses %s with a 400 in the shape of Anthropic', async (_, body, message) => {
    const error: unknown = await anthropic
      .post('/v1/messages', { body })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({
      error: {
        type: 'error',
        error: {
          type: 'invalid_request_error',
          message: expect.stringContaining(message) as string,
        },
      },
    });
  });

  it('refuses sampling parameters since the version that removed them', async () => {
    const body = { ...QUESTION, temperature: 0.5 };
    await expect(anthropic.post('/v1/messages', { body })).rejects.toMatchObject({ status: 400 });
    const headers = { 'anthropic-version': '2023-06-01' };
    const answer = await anthropic.post('/v1/messages', { body, headers });
    expect(answer).toMatchObject({ type: 'message' });
  });

  it('refuses a request that names no version, and a path that it has not', async () => {
    const response = await fetch(`${server.url}/messages`, {
      method: 'POST',
      body: JSON.stringify(QUESTION),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: 'anthropic-version: header is required' },
    });
    await expect(anthropic.get('/v1/messages/nothing')).rejects.toBeInstanceOf(NotFoundError);
  });
});
