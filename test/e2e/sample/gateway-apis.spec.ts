import Anthropic, { BadRequestError, RateLimitError } from '@anthropic-ai/sdk';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { startLocalAzure } from 'nestjs-azure-redis/testing';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import OpenAI from 'openai';
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

describe.each(PLATFORMS)(
  'the other APIs of the LLM gateway sample on %s',
  (platform, newAdapter) => {
    const stops: (() => Promise<unknown>)[] = [];
    let azure: LocalAzure;
    let models: LocalModelServer;
    let url: string;
    let openai: OpenAI;
    let anthropic: Anthropic;
    let questions = 0;

    /** A question that nobody asked before, also not on the other platform. */
    const newQuestion = (): string => `${platform} question ${++questions}`;
    const newMessage = () => ({
      model: 'claude-haiku-4-5',
      max_tokens: 2048,
      messages: [{ role: 'user' as const, content: newQuestion() }],
    });

    async function gatewayTo(upstream: UpstreamTarget): Promise<string> {
      const gateway = await createGateway({ localAzure: azure, upstream }, newAdapter());
      stops.push(() => gateway.close());
      return listen(gateway, '0');
    }
    const anthropicTo = (baseURL: string): Anthropic =>
      new Anthropic({ baseURL, apiKey: 'caller-key', maxRetries: 0 });

    beforeAll(async () => {
      azure = await startLocalAzure();
      models = await startLocalModelServer({ firstTokenMs: [0, 0], tokensPerSecond: Infinity });
      url = await gatewayTo({ description: 'local', baseUrl: models.url, authorization: 'none' });
      openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'caller-key', maxRetries: 0 });
      anthropic = anthropicTo(url);
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

    it('answers the same response request from the cache the second time', async () => {
      const asked = models.requests;
      const request = { model: 'm', store: false, input: newQuestion() };
      const first = await openai.responses.create(request);
      const second = await openai.responses.create(request).withResponse();
      expect(second.data.output_text).toBe(first.output_text);
      expect(models.requests - asked).toBe(1);
    });

    it('streams the same response from the cache the second time', async () => {
      const asked = models.requests;
      const request = { model: 'm', store: false, input: newQuestion(), stream: true as const };
      const ask = async () => {
        const { data, response } = await openai.responses.create(request).withResponse();
        const events = [];
        for await (const event of data) events.push(event);
        const end = events.at(-1);
        const text = end?.type === 'response.completed' ? end.response.output : undefined;
        return { kinds: events.map(({ type }) => type), text, response };
      };
      const first = await ask();
      const second = await ask();
      expect(first.kinds.at(-1)).toBe('response.completed');
      expect(second.kinds).toEqual(first.kinds);
      expect(second.text).toMatchObject([{ content: [{ type: 'output_text' }] }]);
      expect(models.requests - asked).toBe(1);
    });

    it('answers the same message from the cache the second time', async () => {
      const asked = models.requests;
      const request = newMessage();
      const first = await anthropic.messages.create(request);
      const second = await anthropic.messages.create(request).withResponse();
      expect(second.data.content).toEqual(first.content);
      expect(models.requests - asked).toBe(1);
    });

    it('streams the same message from the cache the second time, thoughts with their signature', async () => {
      const asked = models.requests;
      const request = {
        ...newMessage(),
        thinking: { type: 'enabled' as const, budget_tokens: 1024 },
      };
      const ask = async () => {
        const stream = anthropic.messages.stream(request);
        const [message, { response }] = await Promise.all([
          stream.finalMessage(),
          stream.withResponse(),
        ]);
        return { message, response };
      };
      const first = await ask();
      const second = await ask();
      expect(first.message.content).toMatchObject([{ type: 'thinking' }, { type: 'text' }]);
      expect(second.message.content).toEqual(first.message.content);
      expect(models.requests - asked).toBe(1);
    });

    it('keeps what another beta or version of the API answers apart', async () => {
      const asked = models.requests;
      const request = newMessage();
      const answers = [];
      for (const beta of ['a-2025-01-01', 'b-2025-01-01']) {
        answers.push(
          await anthropic.messages.create(request, { headers: { 'anthropic-beta': beta } }),
        );
      }
      expect(answers[1]?.content).not.toEqual(answers[0]?.content);
      expect(models.requests - asked).toBe(2);
    });

    it('passes a refusal in the shape of Anthropic, and asks again next time', async () => {
      const asked = models.requests;
      const wrong = { ...newMessage(), messages: [] };
      for (const _ of ['first', 'second']) {
        const error: unknown = await anthropic.messages.create(wrong).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(BadRequestError);
        expect(error).toMatchObject({
          type: 'invalid_request_error',
          requestID: expect.stringMatching(/^req_/) as string,
        });
      }
      expect(models.requests - asked).toBe(2);
    });

    it.each([false, true])('passes when to retry a message (stream: %s)', async (stream) => {
      const upstream = await startRawUpstream((_, response) => {
        response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' });
        response.end('{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}');
      });
      stops.push(() => upstream.close());
      const client = anthropicTo(await gatewayTo(upstream.target));
      const error: unknown = await client.messages
        .create({ ...newMessage(), stream })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RateLimitError);
      expect(error).toMatchObject({ type: 'rate_limit_error' });
      expect(error instanceof RateLimitError && error.headers.get('retry-after')).toBe('7');
    });

    it('answers 502 in the shape of Anthropic while the model server is gone', async () => {
      const gone = await startRawUpstream(() => undefined);
      await gone.close();
      const client = anthropicTo(await gatewayTo(gone.target));
      await expect(client.messages.create(newMessage())).rejects.toMatchObject({
        status: 502,
        type: 'api_error',
      });
    });

    it('refuses a body that is not JSON in the shape of Anthropic', async () => {
      const response = await fetch(`${url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{',
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        type: 'error',
        error: { type: 'invalid_request_error' },
      });
    });

    it.each([
      ['the API key', { apiKey: 'upstream-key' }, 'upstream-key', undefined],
      ['a token of its own identity', 'passwordless', undefined, /^Bearer ey/],
    ] as const)(
      'asks for messages with the caller’s version and betas and %s, and nothing else of the caller',
      async (_, way, apiKey, authorization) => {
        const upstream = await startRawUpstream((__, response) => {
          response.setHeader('content-type', 'application/json');
          response.end('{}');
        }, way);
        stops.push(() => upstream.close());
        const client = anthropicTo(await gatewayTo(upstream.target));
        await client.messages.create(newMessage(), {
          headers: { 'anthropic-beta': 'a-2025-01-01', 'x-secret': 'caller-secret' },
        });
        const { headers = {} } = upstream.requests[0] ?? {};
        expect(headers['anthropic-version']).toMatch(/^\d{4}-\d\d-\d\d$/);
        expect(headers['anthropic-beta']).toBe('a-2025-01-01');
        expect(headers['x-api-key']).toBe(apiKey);
        expect(String(headers.authorization)).toMatch(authorization ?? /^undefined$/);
        expect(JSON.stringify(headers)).not.toContain('caller-');
      },
    );
  },
);
