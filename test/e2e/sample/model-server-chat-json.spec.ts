import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import type { LocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';

const AT_ONCE = { firstTokenMs: [0, 0], tokensPerSecond: Infinity } as const;
const CHAT = {
  model: 'any-name-at-all',
  messages: [{ role: 'user' as const, content: 'Why cache an answer?' }],
};

describe('chats that answer in JSON by the local model server, through the official openai client', () => {
  let server: LocalModelServer;
  let openai: OpenAI;

  beforeAll(async () => {
    server = await startLocalModelServer(AT_ONCE);
    openai = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
  });
  afterAll(() => server.close());

  describe('tools', () => {
    const tool = (name: string, properties: object) => ({
      type: 'function' as const,
      function: { name, parameters: { type: 'object', properties } },
    });
    const TOOLS = [
      tool('get_weather', {
        city: { type: 'string', enum: ['Oslo', 'Rome'] },
        days: { type: 'integer', minimum: 1, maximum: 7 },
      }),
      tool('get_time', { zone: { type: ['string', 'null'] } }),
    ];
    const asking = (content: string) => ({
      model: 'm',
      messages: [{ role: 'user' as const, content }],
      tools: TOOLS,
    });
    const callsOf = (completion: OpenAI.ChatCompletion) =>
      (completion.choices[0]?.message.tool_calls ?? []).flatMap((call) =>
        call.type === 'function' ? [call] : [],
      );

    it('calls a function with arguments that fit its schema', async () => {
      const answer = await openai.chat.completions.create(asking('How warm is it?'));
      expect(answer.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { content: null },
      });
      const [call] = callsOf(answer);
      expect(call).toMatchObject({ function: { name: 'get_weather' } });
      const args = JSON.parse(call?.function.arguments ?? '') as { city: string; days: number };
      expect(['Oslo', 'Rome']).toContain(args.city);
      expect([1, 2, 3, 4, 5, 6, 7]).toContain(args.days);
    });

    it('streams the calls that the question names piece by piece', async () => {
      const question = asking('Ask get_weather and get_time.');
      const json = await openai.chat.completions.create(question);
      const stream = openai.chat.completions.stream(question);
      const pieces: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = [];
      for await (const chunk of stream) {
        pieces.push(...(chunk.choices[0]?.delta.tool_calls ?? []));
      }
      const streamed = await stream.finalChatCompletion();
      const functions = callsOf(json).map((call) => call.function);
      expect(functions.map(({ name }) => name)).toEqual(['get_weather', 'get_time']);
      expect(callsOf(streamed).map((call) => call.function)).toMatchObject(functions);
      expect(streamed.choices[0]?.finish_reason).toBe('tool_calls');
      // A call is named once, before the first piece of its arguments.
      expect(pieces.filter(({ id }) => id !== undefined).map(({ index }) => index)).toEqual([0, 1]);
      expect(pieces.filter(({ index }) => index === 0).length).toBeGreaterThan(5);
    });

    it('calls one function at a time, or the one it is told to, if so asked', async () => {
      const question = asking('Ask get_weather and get_time.');
      const one = { ...question, parallel_tool_calls: false };
      const told = {
        ...question,
        tool_choice: { type: 'function' as const, function: { name: 'get_time' } },
      };
      expect(callsOf(await openai.chat.completions.create(one))).toHaveLength(1);
      expect(callsOf(await openai.chat.completions.create(told))).toMatchObject([
        { function: { name: 'get_time' } },
      ]);
    });

    it('answers in words when it has a result, or must not call', async () => {
      const question = asking('How warm is it?');
      const { choices } = await openai.chat.completions.create(question);
      const messages: OpenAI.ChatCompletionMessageParam[] = [
        ...question.messages,
        ...choices.map(({ message }) => message),
        { role: 'tool', tool_call_id: 'call_1', content: '18 degrees' },
      ];
      const told = await openai.chat.completions.create({ ...question, messages });
      expect(told.choices[0]?.message.content).toContain('18 degrees');
      const none = await openai.chat.completions.create({ ...question, tool_choice: 'none' });
      expect(none.choices[0]?.finish_reason).toBe('stop');
    });
  });

  describe('a response format', () => {
    const schema = {
      type: 'object',
      properties: {
        score: { type: 'number', minimum: 0, maximum: 1 },
        level: { type: 'string', enum: ['low', 'high'] },
        kind: { const: 'report' },
        tags: { type: 'array', items: { type: 'string' }, minItems: 3 },
        author: { $ref: '#/$defs/Author' },
      },
      $defs: {
        Author: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            age: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
            parent: { anyOf: [{ $ref: '#/$defs/Author' }, { type: 'null' }] },
          },
        },
      },
    };
    const question = {
      ...CHAT,
      response_format: {
        type: 'json_schema' as const,
        json_schema: { name: 'report', strict: true, schema },
      },
    };
    const objectsOf = ({ choices }: OpenAI.ChatCompletion): unknown[] =>
      choices.map(({ message }) => JSON.parse(message.content ?? '') as unknown);

    it('fits the JSON schema, in each of n choices', async () => {
      const text = expect.any(String) as string;
      const number = expect.any(Number) as number;
      const reports = objectsOf(await openai.chat.completions.create({ ...question, n: 2 }));
      expect(reports).toHaveLength(2);
      expect(reports[0]).not.toEqual(reports[1]);
      for (const report of reports) {
        expect(report).toEqual({
          score: number,
          level: expect.stringMatching(/^(low|high)$/) as string,
          kind: 'report',
          tags: [text, text, text],
          author: { name: text, age: number, parent: expect.anything() as object },
        });
      }
    });

    it('streams the same object that it gives as JSON', async () => {
      const json = await openai.chat.completions.create(question);
      const streamed = await openai.chat.completions.stream(question).finalChatCompletion();
      expect(objectsOf(streamed)).toEqual(objectsOf(json));
    });

    it('is any JSON object for json_object', async () => {
      const response_format = { type: 'json_object' as const };
      const answer = await openai.chat.completions.create({ ...CHAT, response_format });
      expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toBeTypeOf('object');
    });
  });
});
