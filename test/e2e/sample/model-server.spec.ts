import OpenAI, { APIConnectionError, BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import type { LocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';

const AT_ONCE = { firstTokenMs: [0, 0], tokensPerSecond: Infinity } as const;
const CHAT = {
  model: 'any-name-at-all',
  messages: [{ role: 'user' as const, content: 'Why cache an answer?' }],
};

describe('the local model server of the sample, through the official openai client', () => {
  let server: LocalModelServer;
  let openai: OpenAI;

  beforeAll(async () => {
    server = await startLocalModelServer(AT_ONCE);
    openai = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
  });
  afterAll(() => server.close());

  describe('chat', () => {
    it('gives the same question the same answer, with a fresh id', async () => {
      const first = await openai.chat.completions.create(CHAT);
      const second = await openai.chat.completions.create(CHAT);
      expect(first).toMatchObject({ object: 'chat.completion', model: 'any-name-at-all' });
      expect(first.choices[0]?.finish_reason).toBe('stop');
      expect(first.choices[0]?.message.content).toContain('Why cache an answer?');
      expect(second.choices).toEqual(first.choices);
      expect(second.id).not.toBe(first.id);
    });

    it.each([
      ['another question', { messages: [{ role: 'user' as const, content: 'Why not?' }] }],
      ['another model', { model: 'another-name' }],
      ['another temperature', { temperature: 0.2 }],
    ])('gives %s another answer', async (_, change) => {
      const first = await openai.chat.completions.create(CHAT);
      const second = await openai.chat.completions.create({ ...CHAT, ...change });
      expect(second.choices).not.toEqual(first.choices);
    });

    it('streams the same answer that it gives as JSON', async () => {
      const json = await openai.chat.completions.create(CHAT);
      const streamed = await openai.chat.completions.stream(CHAT).finalChatCompletion();
      expect(streamed.choices[0]?.message.content).toBe(json.choices[0]?.message.content);
      expect(streamed.choices[0]?.finish_reason).toBe('stop');
    });

    it('streams the role first, one finish reason, one id and no usage unless asked', async () => {
      const chunks = [];
      for await (const chunk of await openai.chat.completions.create({ ...CHAT, stream: true })) {
        chunks.push(chunk);
      }
      expect(chunks.length).toBeGreaterThan(10);
      expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant', content: '' });
      const reasons = chunks.map((chunk) => chunk.choices[0]?.finish_reason);
      expect(reasons.filter((reason) => reason !== null)).toEqual(['stop']);
      expect(reasons.at(-1)).toBe('stop');
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
      expect(chunks.every((chunk) => !('usage' in chunk))).toBe(true);
    });

    it('ends a stream with the usage when asked, after chunks with usage null', async () => {
      const stream = await openai.chat.completions.create({
        ...CHAT,
        stream: true,
        stream_options: { include_usage: true },
      });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      const json = await openai.chat.completions.create(CHAT);
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: json.usage });
      expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
      expect(json.usage?.total_tokens).toBe(
        (json.usage?.prompt_tokens ?? 0) + (json.usage?.completion_tokens ?? 0),
      );
    });

    it('ends the raw stream with [DONE]', async () => {
      const response = await fetch(`${server.url}/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ ...CHAT, stream: true }),
      });
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      expect(await response.text()).toMatch(/^data: \{.*\n\ndata: \[DONE\]\n\n$/s);
    });

    it('answers n choices, in JSON and side by side in a stream', async () => {
      const json = await openai.chat.completions.create({ ...CHAT, n: 3 });
      const texts = json.choices.map(({ message }) => message.content);
      expect(new Set(texts).size).toBe(3);
      const streamed = await openai.chat.completions
        .stream({ ...CHAT, n: 3 })
        .finalChatCompletion();
      expect(streamed.choices.map(({ message }) => message.content)).toEqual(texts);
    });

    it.each(['max_tokens', 'max_completion_tokens'])(
      'stops at %s for its length',
      async (limit) => {
        const cut = await openai.chat.completions.create({ ...CHAT, [limit]: 5 });
        expect(cut.choices[0]?.finish_reason).toBe('length');
        expect(cut.usage?.completion_tokens).toBe(5);
      },
    );

    it('reads the text parts of a message', async () => {
      const answer = await openai.chat.completions.create({
        ...CHAT,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'In parts?' }] }],
      });
      expect(answer.choices[0]?.message.content).toContain('In parts?');
    });

    it('pads the pieces of a stream, unless that is turned off', async () => {
      const paddings = async (stream_options: object): Promise<boolean[]> => {
        const seen = [];
        const request = { ...CHAT, stream: true as const, stream_options };
        for await (const chunk of await openai.chat.completions.create(request)) {
          seen.push('obfuscation' in chunk);
        }
        return seen;
      };
      expect(new Set(await paddings({ include_usage: true }))).toEqual(new Set([true]));
      expect(new Set(await paddings({ include_obfuscation: false }))).toEqual(new Set([false]));
    });

    it('carries a new request id each time', async () => {
      const first = await openai.chat.completions.create(CHAT).withResponse();
      const second = await openai.chat.completions.create(CHAT).withResponse();
      expect(first.request_id).toMatch(/^req_/);
      expect(second.request_id).not.toBe(first.request_id);
    });

    it('takes about as long as a real model', async () => {
      const paced = await startLocalModelServer({ firstTokenMs: [120, 120], tokensPerSecond: 500 });
      try {
        const start = performance.now();
        const client = new OpenAI({ baseURL: paced.url, apiKey: 'unused', maxRetries: 0 });
        const answer = await client.chat.completions.create(CHAT);
        const tokensMs = ((answer.usage?.completion_tokens ?? 0) / 500) * 1000;
        expect(performance.now() - start).toBeGreaterThanOrEqual(119 + tokensMs);
      } finally {
        await paced.close();
      }
    });
  });

  describe('embeddings', () => {
    const model = 'any-embedder';
    const vectorOf = async (input: string | number[], extra = {}): Promise<number[]> => {
      const answer = await openai.embeddings.create({ model, input, ...extra });
      return answer.data[0]?.embedding ?? [];
    };
    const dot = (a: number[], b: number[]): number =>
      a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

    it('gives a text the same unit vector as floats and as base64', async () => {
      const floats = await vectorOf('a cached answer', { encoding_format: 'float' });
      const decoded = await vectorOf('a cached answer');
      expect(floats).toHaveLength(1536);
      expect(dot(floats, floats)).toBeCloseTo(1, 5);
      expect(decoded).toEqual(floats);
      const asked = await openai.embeddings.create({
        model,
        input: 'a cached answer',
        encoding_format: 'base64',
      });
      expect(typeof asked.data[0]?.embedding).toBe('string');
    });

    it('shortens to the dimensions asked for', async () => {
      const long = await vectorOf('a cached answer', { dimensions: 512 });
      const short = await vectorOf('a cached answer', { dimensions: 8 });
      expect(short).toHaveLength(8);
      expect(dot(short, short)).toBeCloseTo(1, 5);
      const scale = (short[0] ?? 0) / (long[0] ?? 1);
      expect(short[7]).toBeCloseTo((long[7] ?? 0) * scale, 5);
    });

    it('embeds texts and token arrays in the order of the input', async () => {
      const texts = await openai.embeddings.create({ model, input: ['one', 'two', 'one'] });
      expect(texts.data.map(({ index }) => index)).toEqual([0, 1, 2]);
      expect(texts.data[2]?.embedding).toEqual(texts.data[0]?.embedding);
      expect(texts.data[1]?.embedding).not.toEqual(texts.data[0]?.embedding);
      const tokens = await openai.embeddings.create({ model, input: [[1, 2], [3]] });
      expect(tokens.data).toHaveLength(2);
      expect(tokens.usage.prompt_tokens).toBe(3);
      expect(await vectorOf([1, 2])).toEqual(tokens.data[0]?.embedding);
      expect(await vectorOf([12])).not.toEqual(await vectorOf('12'));
    });

    it('puts texts with words in common nearer than others', async () => {
      const [a, near, far] = await Promise.all(
        ['cache the answer in redis', 'redis can cache the answer', 'my cat likes green tea'].map(
          (text) => vectorOf(text),
        ),
      );
      expect(dot(a ?? [], near ?? [])).toBeGreaterThan(dot(a ?? [], far ?? []) + 0.3);
    });
  });

  it('lists models', async () => {
    const names = [];
    for await (const model of openai.models.list()) names.push(model.id);
    expect(names).toContain('gpt-4o-mini');
  });

  it('also answers at the path of Azure OpenAI', async () => {
    const azure = new OpenAI({
      baseURL: server.url.replace('/v1', '/openai/v1'),
      apiKey: 'unused',
      maxRetries: 0,
    });
    expect((await azure.chat.completions.create(CHAT)).choices).toHaveLength(1);
  });

  it.each([
    ['no model', 'chat/completions', { messages: CHAT.messages }, null],
    ['no messages', 'chat/completions', { model: 'm' }, 'messages'],
    ['empty messages', 'chat/completions', { model: 'm', messages: [] }, 'messages'],
    ['a message without a role', 'chat/completions', { model: 'm', messages: [{}] }, 'messages[0]'],
    ['a wrong limit', 'chat/completions', { ...CHAT, max_tokens: 0 }, 'max_tokens'],
    ['no input', 'embeddings', { model: 'm' }, 'input'],
    ['an empty text', 'embeddings', { model: 'm', input: [''] }, 'input'],
    [
      'a wrong format',
      'embeddings',
      { model: 'm', input: 'a', encoding_format: 'hex' },
      'encoding_format',
    ],
  ])('refuses %s with a 400 in the shape of OpenAI', async (_, path, body, param) => {
    const error: unknown = await openai
      .post(`/${path}`, { body })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ type: 'invalid_request_error', param });
  });

  it('refuses a body that is not JSON with a 400, and an unknown path with a 404', async () => {
    const response = await fetch(`${server.url}/embeddings`, { method: 'POST', body: '{' });
    expect(response.status).toBe(400);
    expect(await response.json()).toHaveProperty('error.type', 'invalid_request_error');
    await expect(openai.get('/nothing')).rejects.toBeInstanceOf(NotFoundError);
  });

  it('closes at once in the middle of an answer', async () => {
    const slow = await startLocalModelServer({ firstTokenMs: [60_000, 60_000] });
    const client = new OpenAI({ baseURL: slow.url, apiKey: 'unused', maxRetries: 0 });
    const pending = client.chat.completions.create(CHAT).catch((thrown: unknown) => thrown);
    await expect.poll(() => slow.requests).toBe(1);
    await slow.close();
    expect(await pending).toBeInstanceOf(APIConnectionError);
  });
});
