import {
  Controller,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Post,
  type ExecutionContext,
} from '@nestjs/common';
import { LlmCache, type LlmCacheInvalidation } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

function headerOf(context: ExecutionContext, name: string): string {
  const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
  return headers[name] ?? '';
}

@Injectable()
class Model {
  calls = 0;
  gate: Promise<void> = Promise.resolve();

  async answer(): Promise<object> {
    const call = (this.calls += 1);
    await this.gate;
    return { call };
  }
}

@Controller()
@LlmCache({
  scope: (context) => headerOf(context, 'x-tenant') || 'nobody',
  tags: (context) => headerOf(context, 'x-tags').split(',').filter(Boolean),
})
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('answer')
  @HttpCode(200)
  answer(): Promise<object> {
    return this.#model.answer();
  }

  @Post('grouped')
  @HttpCode(200)
  @Header('Cache-Groups', '"manual", "prices"')
  grouped(): Promise<object> {
    return this.#model.answer();
  }
}

const callOf = ({ text }: ReadAnswer): string | undefined => /"call":(\d+)/.exec(text)?.[1];

describe.each(PLATFORMS)('invalidation on %s', (platform) => {
  const BODY = { model: 'm', question: 'Hi' };
  const HEADERS = { 'x-tenant': 'acme', 'x-tags': 'kb-1,kb-2' };
  let azure: LocalAzure;
  let app: CachedApp;
  let other: CachedApp;
  let model: Model;

  beforeAll(async () => {
    azure = await startLocalAzure();
    const start = (): Promise<CachedApp> =>
      startCachedApp(azure, { platform, controllers: [ModelController], providers: [Model] });
    [app, other] = await Promise.all([start(), start()]);
    model = app.app.get(Model);
  });
  beforeEach(async () => {
    Object.assign(model, { calls: 0, gate: Promise.resolve() });
    await emptyRedis(app.redis);
  });
  afterAll(async () => {
    await Promise.all([app.app.close(), other.app.close()]);
    await azure.stop();
  });

  const ask = (path = 'answer', headers: Record<string, string> = HEADERS): Promise<ReadAnswer> =>
    app.post(path, BODY, headers);

  const concerning: LlmCacheInvalidation[] = [
    { tag: 'kb-1' },
    { tag: 'kb-2' },
    { model: 'm' },
    { principal: 'acme' },
    { all: true },
  ];
  const others: LlmCacheInvalidation[] = [
    { tag: 'kb-3' },
    { model: 'other' },
    { principal: 'nobody' },
    { key: 'no key of ours' },
  ];

  it.each([
    ...concerning.map((target) => [target, '2'] as const),
    ...others.map((target) => [target, '1'] as const),
  ])('of %o: the next answer is that of call %s', async (target, call) => {
    expect(callOf(await ask())).toBe('1');
    expect((await ask()).cache).toBe('HIT');

    await app.cache.invalidate(target);

    expect(callOf(await ask())).toBe(call);
  });

  it.each(['manual', 'prices'])('of the group "%s" that the answer named', async (group) => {
    await ask('grouped');
    expect((await ask('grouped')).cache).toBe('HIT');

    await app.cache.invalidate({ tag: group });

    expect(callOf(await ask('grouped'))).toBe('2');
    expect(callOf(await ask('grouped'))).toBe('2');
  });

  it('of another group leaves the answer', async () => {
    await ask('grouped');
    await app.cache.invalidate({ tag: 'weather' });
    expect(callOf(await ask('grouped'))).toBe('1');
  });

  it('while a call is under way: who asked before gets its answer, who asks later a new one', async () => {
    let open: () => void = () => undefined;
    model.gate = new Promise((resolve) => (open = resolve));
    const before = ask();
    await eventually('a call', () => model.calls === 1);

    await app.cache.invalidate({ tag: 'kb-1' });
    const later = ask();
    await eventually('a call of its own', () => model.calls === 2);
    open();

    expect([callOf(await before), callOf(await later)]).toEqual(['1', '2']);
    // The old answer is found by nobody.
    expect(callOf(await ask())).toBe('2');
  });

  it('while a call for a group is under way: its answer is not found later', async () => {
    let open: () => void = () => undefined;
    model.gate = new Promise((resolve) => (open = resolve));
    const before = ask('grouped');
    await eventually('a call', () => model.calls === 1);
    await app.cache.invalidate({ tag: 'prices' });
    open();

    expect(callOf(await before)).toBe('1');
    expect(callOf(await ask('grouped'))).toBe('2');
  });

  it('by another process is honoured within a second', async () => {
    await ask();
    expect((await ask()).cache).toBe('HIT');

    await other.cache.invalidate({ tag: 'kb-2' });

    await eventually('a new answer', async () => callOf(await ask()) === '2', 1_000);
  });

  it('by the key that explains tell, through fetch', async () => {
    let calls = 0;
    const upstream = async (): Promise<Response> => {
      calls += 1;
      const message = { role: 'assistant', content: `${calls}` };
      return Response.json({
        call: calls,
        choices: [{ index: 0, message, finish_reason: 'stop' }],
      });
    };
    const url = 'http://127.0.0.1:1/v1/chat/completions';
    const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
    const fetch = app.cache.createFetch({ fetch: upstream, tags: ['kb-9'] });
    const call = async (): Promise<string | undefined> =>
      callOf(
        await app.read(
          fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }),
        ),
      );
    expect([await call(), await call()]).toEqual(['1', '1']);
    const explained = await app.cache.explain({ url, body, tags: ['kb-9'] });
    const { key = '' } = explained;
    await app.cache.invalidate({ key });
    expect(await call()).toBe('2');

    await app.cache.invalidate({ tag: 'kb-9' });
    expect(await call()).toBe('3');
  });
});
