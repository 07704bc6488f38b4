import type { INestApplication } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { startLocalAzure } from 'nestjs-azure-redis/testing';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import OpenAI, { BadRequestError, RateLimitError } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createGateway } from '../../../sample/01-llm-gateway/gateway/create-gateway.js';
import { listen } from '../../../sample/01-llm-gateway/gateway/listen.js';
import { startLocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import type { LocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import type { UpstreamTarget } from '../../../sample/01-llm-gateway/upstream/upstream-target.js';
import { startRawUpstream } from './raw-upstream.js';

const PLATFORMS: [string, () => AbstractHttpAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

describe.each(PLATFORMS)('the LLM gateway sample on %s', (platform, newAdapter) => {
  const stops: (() => Promise<unknown>)[] = [];
  let azure: LocalAzure;
  let models: LocalModelServer;
  let url: string;
  let openai: OpenAI;
  let questions = 0;

  /** A question that nobody asked before, also not on the other platform. */
  const newQuestion = () => ({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user' as const, content: `${platform} question ${++questions}` }],
  });

  async function gatewayTo(upstream: UpstreamTarget): Promise<string> {
    const gateway: INestApplication = await createGateway(
      { localAzure: azure, upstream },
      newAdapter(),
    );
    stops.push(() => gateway.close());
    return listen(gateway, '0');
  }

  beforeAll(async () => {
    azure = await startLocalAzure();
    models = await startLocalModelServer({ firstTokenMs: [0, 0], tokensPerSecond: 200 });
    url = await gatewayTo({ description: 'local', baseUrl: models.url, authorization: 'none' });
    openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'caller', maxRetries: 0 });
    // The first request of a connection that is still signing in would be a miss twice.
    await vi.waitUntil(() => azure.redis.auths > 0, { timeout: 10_000 });
  });
  afterEach(async () => {
    for (const stop of stops.splice(1).toReversed()) await stop();
  });
  afterAll(async () => {
    await stops[0]?.();
    await models.close();
    await azure.stop();
  });

  it('answers the same chat question from the cache the second time', async () => {
    const asked = models.requests;
    const question = newQuestion();
    const first = await openai.chat.completions.create(question).withResponse();
    const second = await openai.chat.completions.create(question).withResponse();
    expect(first.response.status).toBe(200);
    expect(first.response.headers.get('x-cache')).toBe('MISS');
    expect(second.response.status).toBe(200);
    expect(second.response.headers.get('cache-status')).toMatch(/^LlmCache; hit/);
    expect(second.data.choices).toEqual(first.data.choices);
    expect(models.requests - asked).toBe(1);
  });

  it('keeps the answers of two callers apart', async () => {
    const question = newQuestion();
    await openai.chat.completions.create(question);
    const other = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'somebody else', maxRetries: 0 });
    const { response } = await other.chat.completions.create(question).withResponse();
    expect(response.headers.get('x-cache')).toBe('MISS');
  });

  it('streams chunk by chunk at the pace of the model, and from the cache the second time', async () => {
    const asked = models.requests;
    const question = { ...newQuestion(), stream: true as const };
    const ask = async () => {
      const { data: stream, response } = await openai.chat.completions
        .create(question)
        .withResponse();
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      const arrivals: number[] = [];
      let text = '';
      for await (const chunk of stream) {
        arrivals.push(performance.now());
        text += chunk.choices[0]?.delta.content ?? '';
      }
      return { text, arrivals, response };
    };
    const { text, arrivals, response } = await ask();
    expect(response.headers.get('x-cache')).toBe('MISS');
    // Collected on the way, all chunks would arrive together.
    const paceMs = (arrivals.length / 200) * 1000;
    expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(paceMs / 2);
    expect((await ask()).text).toBe(text);
    expect(models.requests - asked).toBe(1);
  });

  it('passes every byte of a stream as it came', async () => {
    const parts = [': hello\r\n\r\n', 'data: {"choices"', ':[]}\n\n', 'event: x\ndata: é\n\n'];
    const upstream = await startRawUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const part of parts) response.write(part);
      response.end('data: [DONE]\n\n');
    });
    stops.push(() => upstream.close());
    const gateway = await gatewayTo(upstream.target);
    const body = '{ "model":"m", "stream":true, "seed":12345678901234567890, "messages":[] }';
    const response = await fetch(`${gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(await response.text()).toBe(`${parts.join('')}data: [DONE]\n\n`);
    expect(upstream.requests.map((request) => request.body)).toEqual([body]);
  });

  it.each(['float', 'base64'] as const)('caches embeddings as %s', async (encoding_format) => {
    const asked = models.requests;
    const input = [`${platform} ${encoding_format} a`, 'b'];
    const request = { model: 'e', input, dimensions: 4, encoding_format };
    const first = await openai.embeddings.create(request).withResponse();
    const second = await openai.embeddings.create(request).withResponse();
    expect(first.response.headers.get('x-cache')).toBe('MISS');
    expect(second.data).toEqual(first.data);
    expect(typeof second.data.data[0]?.embedding).toBe(
      encoding_format === 'float' ? 'object' : 'string',
    );
    expect(models.requests - asked).toBe(1);
  });

  it('serves GET /v1/models from the stock CacheInterceptor', async () => {
    const first = await openai.models.list().withResponse();
    const second = await openai.models.list().withResponse();
    expect(first.response.headers.get('x-cache')).toBe('MISS');
    expect(second.response.headers.get('x-cache')).toBe('HIT');
    expect(second.data.data).toEqual(first.data.data);
  });

  it('passes a refusal of the model server with its status, and asks again next time', async () => {
    const asked = models.requests;
    const wrong = { ...newQuestion(), max_tokens: 0 };
    for (const _ of ['first', 'second']) {
      const error: unknown = await openai.chat.completions.create(wrong).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error).toMatchObject({ param: 'max_tokens', type: 'invalid_request_error' });
    }
    expect(models.requests - asked).toBe(2);
  });

  it.each([false, true])('passes when to retry (stream: %s)', async (stream) => {
    const upstream = await startRawUpstream((_, response) => {
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' });
      response.end('{"error":{"message":"Slow down.","type":"tokens","param":null,"code":"rate"}}');
    });
    stops.push(() => upstream.close());
    const client = new OpenAI({
      baseURL: `${await gatewayTo(upstream.target)}/v1`,
      apiKey: 'caller',
      maxRetries: 0,
    });
    const error: unknown = await client.chat.completions
      .create({ ...newQuestion(), stream })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ code: 'rate', type: 'tokens' });
    expect(error instanceof RateLimitError && error.headers.get('retry-after')).toBe('7');
  });

  it('answers 502 in the shape of OpenAI while the model server is gone', async () => {
    const gone = await startRawUpstream(() => undefined);
    await gone.close();
    const response = await fetch(`${await gatewayTo(gone.target)}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"model":"m","input":"${platform} without a model server"}`,
    });
    expect(response.status).toBe(502);
    expect(await response.json()).toHaveProperty('error.type', 'upstream_error');
  });

  it.each([
    ['a body that is not JSON', '/v1/embeddings', 'application/json', '{', 400],
    ['a body that says it is text', '/v1/embeddings', 'text/plain', '{}', [400, 415]],
    ['an unknown path', '/v1/nothing', 'application/json', '{}', 404],
  ])('refuses %s in the shape of OpenAI', async (_, path, contentType, body, status) => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    });
    expect([status].flat()).toContain(response.status);
    expect(await response.json()).toHaveProperty('error.type', 'invalid_request_error');
  });

  it.each([
    ['the API key', { apiKey: 'upstream-key' }, /^Bearer upstream-key$/],
    ['a token of its own identity', 'passwordless', /^Bearer ey.+\..+\..+$/],
    ['nothing', 'none', /^undefined$/],
  ] as const)('signs in upstream with %s, never the caller’s key', async (_, way, expected) => {
    const upstream = await startRawUpstream((__, response) => {
      response.setHeader('content-type', 'application/json');
      response.end('{"object":"list","data":[]}');
    }, way);
    stops.push(() => upstream.close());
    const client = new OpenAI({
      baseURL: `${await gatewayTo(upstream.target)}/v1`,
      apiKey: 'caller-key',
      maxRetries: 0,
    });
    await client.embeddings.create({ model: 'm', input: `${platform} ${String(expected)}` });
    const { headers } = upstream.requests[0] ?? {};
    expect(String(headers?.authorization)).toMatch(expected);
    expect(JSON.stringify(headers)).not.toContain('caller-key');
  });
});
