import { inspect } from 'node:util';
import { SpanKind } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isHeard } from '../../../lib/azure-redis.channels.js';
import { currentTrace } from '../../../lib/llm-cache/recording/current-trace.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';
import { ANSWER, startObservedApp, type ObservedApp } from './observed-app.js';

const PROMPT = 'What is the secret of the cellar?';

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterAll(() => azure.stop());

const lookups = ({ spans }: ObservedApp): readonly ReadableSpan[] =>
  spans().filter(({ name }) => name.startsWith('llm_cache '));

const serverSpans = ({ spans }: ObservedApp): readonly ReadableSpan[] =>
  spans().filter(({ kind }) => kind === SpanKind.SERVER);

const linked = (span: ReadableSpan | undefined): readonly string[] =>
  span?.links.map(({ context }) => context.spanId) ?? [];

const startMs = ({ startTime: [seconds, nanoseconds] }: ReadableSpan): number =>
  seconds * 1_000 + nanoseconds / 1e6;

const endMs = ({ endTime: [seconds, nanoseconds] }: ReadableSpan): number =>
  seconds * 1_000 + nanoseconds / 1e6;

describe.each(PLATFORMS)('the spans of look-ups on %s', (platform) => {
  const start = async (): Promise<ObservedApp> => {
    const app = await startObservedApp(azure, { platform });
    await emptyRedis(app.connection.client);
    return app;
  };

  /** In the order in which the requests were made. */
  async function askTwice(app: ObservedApp, path: string): Promise<readonly ReadableSpan[]> {
    for (const count of [1, 2]) {
      await app.ask(path, PROMPT);
      await eventually('the request has ended', () => serverSpans(app).length === count);
      await app.connection.client.ping();
    }
    return serverSpans(app);
  }

  it('a hit is a child of its request, and linked to the call that its answer comes from', async () => {
    await using app = await start();
    const [first, second] = await askTwice(app, 'v1');
    const [miss, hit] = lookups(app);
    expect([miss?.name, hit?.name]).toStrictEqual(['llm_cache miss', 'llm_cache hit']);
    expect(miss?.parentSpanContext?.spanId).toBe(first?.spanContext().spanId);
    expect(linked(miss)).toStrictEqual([]);
    expect(hit?.parentSpanContext?.spanId).toBe(second?.spanContext().spanId);
    expect(linked(hit)).toStrictEqual([first?.spanContext().spanId]);
    expect(hit?.links[0]?.context).toMatchObject({
      traceId: first?.spanContext().traceId,
      isRemote: true,
    });
    expect(hit?.attributes).toStrictEqual({
      'nestjs_azure_redis.llm_cache.result': 'hit',
      'nestjs_azure_redis.llm_cache.route': 'ObservedController.chat',
      'nestjs_azure_redis.llm_cache.model': 'm',
      'nestjs_azure_redis.llm_cache.answer.size': expect.any(Number),
      'nestjs_azure_redis.llm_cache.saved.input_tokens': 7,
      'nestjs_azure_redis.llm_cache.saved.output_tokens': 5,
      'nestjs_azure_redis.llm_cache.saved.cost': 1.25,
      'nestjs_azure_redis.llm_cache.saved.upstream_ms': expect.any(Number),
    });
  });

  it('a look-up is no call of a provider, and lies within its request', async () => {
    await using app = await start();
    const requests = await askTwice(app, 'v1');
    const spans = lookups(app);
    expect(spans).toHaveLength(2);
    for (const [index, span] of spans.entries()) {
      const request = requests[index];
      if (request === undefined) throw new Error('Expected a span of the request.');
      expect(span.kind).toBe(SpanKind.INTERNAL);
      expect(Object.keys(span.attributes).filter((name) => name.startsWith('gen_ai'))).toEqual([]);
      expect(startMs(span)).toBeGreaterThanOrEqual(startMs(request));
      expect(endMs(span)).toBeGreaterThan(startMs(span));
      expect(endMs(span)).toBeLessThanOrEqual(endMs(request) + 1);
    }
  });

  it('an answer that was shared is linked to the call that was shared', async () => {
    await using app = await start();
    let open = (): void => undefined;
    app.model.gate = new Promise((resolve) => (open = resolve));
    const asked = [app.ask('stream', PROMPT), app.ask('stream', PROMPT)];
    await eventually('one waits for the other', () => app.cache.stats.collapsed === 1);
    open();
    await Promise.all(asked);
    await eventually('both have ended', () => lookups(app).length === 2);
    await eventually('both requests have ended', () => serverSpans(app).length === 2);
    const [miss, collapsed] = lookups(app);
    expect([miss?.name, collapsed?.name]).toStrictEqual(['llm_cache miss', 'llm_cache collapsed']);
    expect(linked(collapsed)).toStrictEqual([miss?.parentSpanContext?.spanId]);
    const parents = [miss, collapsed].map((span) => span?.parentSpanContext?.spanId);
    const ids = serverSpans(app).map((span) => span.spanContext().spanId);
    expect(new Set(parents)).toStrictEqual(new Set(ids));
  });

  it.each([
    ['stale', 'llm_cache stale'],
    ['shadow', 'llm_cache shadow'],
  ])('an answer of the %s route is linked to its call', async (path, name) => {
    await using app = await start();
    const [first] = await askTwice(app, path);
    const found = lookups(app).find((span) => span.name === name);
    expect(linked(found)).toStrictEqual([first?.spanContext().spanId]);
  });

  it('what is not looked up has none', async () => {
    await using app = await start();
    await askTwice(app, 'bypassed');
    expect(lookups(app)).toStrictEqual([]);
  });

  it('tell nobody a prompt, an answer or a key', async () => {
    await using app = await start();
    await askTwice(app, 'v1');
    const [key = 'no entry'] = await app.connection.client.keys('*:llm:v3:*');
    const told = inspect(
      lookups(app).map(({ name, attributes, links }) => ({ name, attributes, links })),
      { depth: 10 },
    );
    for (const secret of [PROMPT, ANSWER, /\{(.+)\}/.exec(key)?.[1] ?? key]) {
      expect(told).not.toContain(secret);
    }
  });
});

describe('the spans of look-ups', () => {
  it('of fetch are children of whatever is active', async () => {
    await using app = await startObservedApp(azure);
    const fetchAnswer = app.cache.createFetch({
      scope: 'public',
      fetch: async () => Response.json(await app.model.chat()),
    });
    const ask = async (): Promise<string> => {
      const tracer = app.tracers.getTracer('test');
      return tracer.startActiveSpan('agent', async (span) => {
        const response = await fetchAnswer('https://api.openai.com/v1/chat/completions', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: PROMPT }] }),
        });
        await response.text();
        span.end();
        return span.spanContext().spanId;
      });
    };
    const first = await ask();
    await app.connection.client.ping();
    const second = await ask();
    const [, hit] = lookups(app);
    expect(hit?.name).toBe('llm_cache hit');
    expect(hit?.parentSpanContext?.spanId).toBe(second);
    expect(linked(hit)).toStrictEqual([first]);
  });

  it('end with the application, as do the names of traces', async () => {
    await using observed = await startObservedApp(azure);
    const named = (): string | undefined =>
      observed.tracers.getTracer('test').startActiveSpan('any', () => currentTrace());
    expect(named()).toMatch(/^00-/);
    await observed.app.close();
    expect(named()).toBeUndefined();
    expect(isHeard('llmCache')).toBe(false);
  });
});
