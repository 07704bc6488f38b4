import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import type { LocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';

const AT_ONCE = { firstTokenMs: [0, 0], tokensPerSecond: Infinity } as const;
const QUESTION = { model: 'any-name-at-all', input: 'Why cache an answer?' };
const WITH_TOOL = {
  ...QUESTION,
  input: [{ role: 'user' as const, content: 'How warm is it?' }],
  tools: [
    {
      type: 'function' as const,
      name: 'get_weather',
      strict: true,
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  ],
};

describe('the Responses API of the local model server, through the official openai client', () => {
  let server: LocalModelServer;
  let openai: OpenAI;

  beforeAll(async () => {
    server = await startLocalModelServer(AT_ONCE);
    openai = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
  });
  afterAll(() => server.close());

  async function eventsOf(
    request: OpenAI.Responses.ResponseCreateParamsNonStreaming,
  ): Promise<OpenAI.Responses.ResponseStreamEvent[]> {
    const events = [];
    for await (const event of await openai.responses.create({ ...request, stream: true })) {
      events.push(event);
    }
    return events;
  }

  /** Each kind of event once, however often it comes in a row. */
  const kindsOf = (events: readonly { type: string }[]): string[] =>
    events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);

  it('gives the same question the same answer, with fresh ids', async () => {
    const first = await openai.responses.create(QUESTION);
    const second = await openai.responses.create(QUESTION);
    expect(first).toMatchObject({ object: 'response', status: 'completed', error: null });
    expect(first.output_text).toContain('Why cache an answer?');
    expect(second.output_text).toBe(first.output_text);
    expect(second.id).not.toBe(first.id);
    expect(second.output[0]).not.toHaveProperty('id', first.output[0]?.id);
    expect(first.usage?.total_tokens).toBe(
      (first.usage?.input_tokens ?? 0) + (first.usage?.output_tokens ?? 0),
    );
  });

  it('reads messages in parts, after instructions', async () => {
    const answer = await openai.responses.create({
      model: 'm',
      instructions: 'Be brief.',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'In parts?' }] }],
    });
    expect(answer.output_text).toContain('In parts?');
    expect(answer.instructions).toBe('Be brief.');
  });

  it('streams the same answer that it gives as JSON', async () => {
    const json = await openai.responses.create(QUESTION);
    const streamed = await openai.responses.stream(QUESTION).finalResponse();
    expect(streamed.status).toBe('completed');
    expect(streamed.output_text).toBe(json.output_text);
    expect(streamed.usage).toEqual(json.usage);
  });

  it('streams every event of a message, numbered from 0', async () => {
    const events = await eventsOf(QUESTION);
    expect(kindsOf(events)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()]);
    const deltas = events.flatMap((event) =>
      event.type === 'response.output_text.delta' ? [event] : [],
    );
    const end = events.at(-1);
    expect(deltas.length).toBeGreaterThan(10);
    expect(end).toHaveProperty(
      'response.output.0.content.0.text',
      deltas.map(({ delta }) => delta).join(''),
    );
    expect(new Set(deltas.map(({ item_id }) => item_id)).size).toBe(1);
    expect(end).toHaveProperty('response.output.0.id', deltas[0]?.item_id);
  });

  it('names every event on the wire as its data does', async () => {
    const response = await fetch(`${server.url}/responses`, {
      method: 'POST',
      body: JSON.stringify({ ...QUESTION, stream: true }),
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const frames = (await response.text()).split('\n\n');
    expect(frames.pop()).toBe('');
    for (const frame of frames) {
      const [, name = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? [];
      expect(JSON.parse(data)).toHaveProperty('type', name);
    }
  });

  it('calls a function, and streams its arguments', async () => {
    const json = await openai.responses.create(WITH_TOOL);
    const events = await eventsOf(WITH_TOOL);
    expect(json.output).toMatchObject([
      { type: 'function_call', name: 'get_weather', status: 'completed' },
    ]);
    expect(kindsOf(events)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const streamed = await openai.responses.stream(WITH_TOOL).finalResponse();
    const argumentsOf = ({ output: [item] }: OpenAI.Responses.Response): unknown =>
      item?.type === 'function_call' ? JSON.parse(item.arguments) : undefined;
    expect(argumentsOf(streamed)).toEqual({ city: expect.any(String) as string });
    expect(argumentsOf(json)).toEqual(argumentsOf(streamed));
  });

  it('answers the result of a call in words', async () => {
    const { output } = await openai.responses.create(WITH_TOOL);
    const [call] = output;
    const answer = await openai.responses.create({
      ...WITH_TOOL,
      input: [
        ...WITH_TOOL.input,
        ...(call?.type === 'function_call'
          ? [
              call,
              { type: 'function_call_output' as const, call_id: call.call_id, output: '18 °C' },
            ]
          : []),
      ],
    });
    expect(answer.output_text).toContain('18 °C');
  });

  it('fits the JSON schema that is asked for', async () => {
    const properties = { size: { type: 'string', enum: ['small', 'large'] } };
    const answer = await openai.responses.parse({
      ...QUESTION,
      text: {
        format: { type: 'json_schema', name: 'report', schema: { type: 'object', properties } },
      },
    });
    expect(JSON.parse(answer.output_text)).toEqual({
      size: expect.stringMatching(/^(small|large)$/) as string,
    });
  });

  it('is incomplete when it reaches max_output_tokens', async () => {
    const cut = { ...QUESTION, max_output_tokens: 16 };
    expect(await openai.responses.create(cut)).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 16 },
    });
    expect((await eventsOf(cut)).at(-1)).toMatchObject({ type: 'response.incomplete' });
  });

  it.each([
    ['no input', {}, 'input'],
    [
      'a response that it never gave',
      { input: 'a', previous_response_id: 'resp_1' },
      'previous_response_id',
    ],
  ])('refuses %s with a 400', async (_, body, param) => {
    const request = openai.responses.create({ model: 'm', ...body });
    await expect(request).rejects.toMatchObject({ status: 400, param });
  });
});
