import { diag, DiagLogLevel } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isHeard, publish } from '../../../lib/azure-redis.channels.js';
import { AzureRedisError } from '../../../lib/azure-redis.errors.js';
import type { AzureRedisConnectionStatus } from '../../../lib/client/azure-redis-connection.js';
import { instrumentAzureRedis } from '../../../lib/telemetry/instrument-azure-redis.js';
import { collect } from './collected.js';

const OWN = 'nestjs_azure_redis';
const HIT = { result: 'hit', route: 'Chat.complete', model: 'gpt' } as const;

const status = {
  client: 'ready',
  secondsToExpiry: 1_800,
  managedConnections: 3,
  secondsToReauthentication: 900,
  consecutiveFailures: 0,
};

describe('the metrics of connections', () => {
  it('are those of the moment, of each connection by its name', async () => {
    const second = { status: { ...status, managedConnections: 1 } };
    const { points } = collect(
      new Map([
        ['default', { status }],
        ['second', second],
      ]),
    );
    const named = (name: string) => ({
      'db.system.name': 'redis',
      'db.client.connection.pool.name': name,
    });
    const used = { 'db.client.connection.state': 'used' };
    expect(await points('db.client.connection.count')).toStrictEqual([
      { attributes: { ...named('default'), ...used }, value: 3 },
      { attributes: { ...named('second'), ...used }, value: 1 },
    ]);
    second.status = { ...status, managedConnections: 7 };
    expect((await points('db.client.connection.count'))[1]?.value).toBe(7);
    expect(await points(`${OWN}.token.time_to_expiry`)).toContainEqual({
      attributes: named('default'),
      value: 1_800,
    });
    expect(await points(`${OWN}.connection.time_to_reauthentication`)).toContainEqual({
      attributes: named('second'),
      value: 900,
    });
  });

  it('say 0 when token and connection are gone, so that an alert sees it', async () => {
    let current: AzureRedisConnectionStatus = status;
    const { points } = collect(
      new Map([
        [
          'default',
          {
            get status() {
              return current;
            },
          },
        ],
      ]),
    );
    const names = [
      'db.client.connection.count',
      `${OWN}.token.time_to_expiry`,
      `${OWN}.connection.time_to_reauthentication`,
    ];
    const values = async (): Promise<readonly (readonly unknown[])[]> => {
      const all: unknown[][] = [];
      for (const name of names) all.push((await points(name)).map(({ value }) => value));
      return all;
    };
    expect(await values()).toEqual([[3], [1_800], [900]]);
    current = {
      ...status,
      managedConnections: 0,
      secondsToExpiry: undefined,
      secondsToReauthentication: undefined,
    };
    expect(await values()).toEqual([[0], [0], [0]]);
  });
});

describe('the metrics of tokens and re-AUTHs', () => {
  it('begin at 0, so that the first one is a step', async () => {
    const { points } = collect();
    for (const name of [
      'token.requests',
      'connection.reauthentications',
      'connection.expirations',
    ]) {
      expect(await points(`${OWN}.${name}`)).toStrictEqual([{ attributes: {}, value: 0 }]);
    }
    const reason = `${OWN}.connection.deferral_reason`;
    expect(await points(`${OWN}.connection.deferrals`)).toStrictEqual([
      { attributes: { [reason]: 'multi' }, value: 0 },
      { attributes: { [reason]: 'blocked' }, value: 0 },
    ]);
  });

  it.each([
    ['refreshed', { expiresAt: 1 }, 'token.requests', {}],
    [
      'refreshFailed',
      { error: new AzureRedisError('TOKEN_UNAVAILABLE', 'secret text') },
      'token.requests',
      { 'error.type': 'TOKEN_UNAVAILABLE' },
    ],
    ['reauthenticated', { endpoint: 'secret:1' }, 'connection.reauthentications', {}],
    [
      'reauthenticationFailed',
      { endpoint: 'secret:1', error: new AzureRedisError('DEADLINE_EXCEEDED', 'secret text') },
      'connection.reauthentications',
      { 'error.type': 'DEADLINE_EXCEEDED' },
    ],
    [
      'reauthenticationFailed',
      { endpoint: 'secret:1', error: new TypeError('secret text') },
      'connection.reauthentications',
      { 'error.type': 'TypeError' },
    ],
    [
      'reauthenticationDeferred',
      { endpoint: 'secret:1', reason: 'blocked' },
      'connection.deferrals',
      { [`${OWN}.connection.deferral_reason`]: 'blocked' },
    ],
    ['connectionExpired', { endpoint: 'secret:1' }, 'connection.expirations', {}],
  ] as const)(
    'count %s by what it is, without its text (%#)',
    async (event, detail, name, attributes) => {
      const { points } = collect();
      publish(event, detail);
      publish(event, detail);
      const counted = (await points(`${OWN}.${name}`)).filter(({ value }) => value !== 0);
      expect(counted).toStrictEqual([{ attributes, value: 2 }]);
    },
  );
});

describe('the metrics of stores', () => {
  it('are seconds by command, in the buckets of the convention', async () => {
    const { points } = collect();
    publish('storeOperation', { command: 'GET', outcome: 'answered', durationMs: 20 });
    const [point] = await points('db.client.operation.duration');
    expect(point?.attributes).toStrictEqual({
      'db.system.name': 'redis',
      'db.operation.name': 'GET',
    });
    expect(point?.value).toMatchObject({
      count: 1,
      sum: 0.02,
      buckets: { boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
    });
  });

  it('tell failures by their type, and skipped operations apart from those that took time', async () => {
    const { points } = collect();
    publish('storeOperation', {
      command: 'SET',
      outcome: 'failed',
      durationMs: 1,
      errorType: 'OOM',
    });
    publish('storeOperation', { command: 'SET', outcome: 'skipped', durationMs: 0 });
    const attributes = { 'db.system.name': 'redis', 'db.operation.name': 'SET' };
    expect((await points('db.client.operation.duration')).map((point) => point.attributes)).toEqual(
      [{ ...attributes, 'error.type': 'OOM' }],
    );
    expect(await points(`${OWN}.store.skipped_operations`)).toStrictEqual([
      { attributes, value: 1 },
    ]);
  });
});

describe('the metrics of the LLM cache', () => {
  const labels = {
    'gen_ai.request.model': HIT.model,
    [`${OWN}.llm_cache.route`]: HIT.route,
  };

  it('count requests by result, model and route', async () => {
    const { points } = collect();
    publish('llmCache', HIT);
    publish('llmCache', HIT);
    publish('llmCache', { ...HIT, result: 'bypass', reason: 'scope' });
    expect(await points(`${OWN}.llm_cache.requests`)).toStrictEqual([
      { attributes: { [`${OWN}.llm_cache.result`]: 'hit', ...labels }, value: 2 },
      {
        attributes: {
          [`${OWN}.llm_cache.result`]: 'bypass',
          ...labels,
          [`${OWN}.llm_cache.bypass_reason`]: 'scope',
        },
        value: 1,
      },
    ]);
  });

  it.each([
    ['hit', 'saved', 'shadow'],
    ['stale', 'saved', 'shadow'],
    ['collapsed', 'saved', 'shadow'],
    ['shadow', 'shadow', 'saved'],
  ])('count what %s spared as %s, not as %s', async (result, kind, other) => {
    const { points } = collect();
    publish('llmCache', {
      ...HIT,
      result,
      savedInputTokens: 7,
      savedOutputTokens: 5,
      savedCost: 0.25,
      savedUpstreamMs: 1_500,
    });
    const name = `${OWN}.llm_cache.${kind}`;
    expect(await points(`${name}.tokens`)).toStrictEqual([
      { attributes: { ...labels, 'gen_ai.token.type': 'input' }, value: 7 },
      { attributes: { ...labels, 'gen_ai.token.type': 'output' }, value: 5 },
    ]);
    expect(await points(`${name}.cost`)).toStrictEqual([{ attributes: labels, value: 0.25 }]);
    expect(await points(`${name}.upstream_time`)).toStrictEqual([
      { attributes: labels, value: 1.5 },
    ]);
    for (const metric of ['tokens', 'cost', 'upstream_time']) {
      expect(await points(`${OWN}.llm_cache.${other}.${metric}`)).toStrictEqual([]);
    }
  });

  it('say nothing of what is not known', async () => {
    const { points } = collect();
    publish('llmCache', HIT);
    for (const metric of ['saved.tokens', 'saved.cost', 'saved.upstream_time', 'answer.size']) {
      expect(await points(`${OWN}.llm_cache.${metric}`)).toStrictEqual([]);
    }
  });

  it('have the size of what was found, by result only', async () => {
    const { points } = collect();
    publish('llmCache', { ...HIT, bytes: 2_048 });
    const [point] = await points(`${OWN}.llm_cache.answer.size`);
    expect(point?.attributes).toStrictEqual({ [`${OWN}.llm_cache.result`]: 'hit' });
    expect(point?.value).toMatchObject({ count: 1, sum: 2_048 });
  });
});

describe('the instrumentation', () => {
  it('ends: nothing is heard, counted or observed any more', async () => {
    const { points, spans, end } = collect(new Map([['default', { status }]]));
    publish('llmCache', HIT);
    end();
    publish('llmCache', HIT);
    const events = ['refreshed', 'refreshFailed', 'reauthenticated', 'reauthenticationFailed'];
    const others = ['reauthenticationDeferred', 'connectionExpired', 'storeOperation', 'llmCache'];
    expect([...events, ...others].filter(isHeard)).toStrictEqual([]);
    expect((await points(`${OWN}.llm_cache.requests`)).map(({ value }) => value)).toEqual([1]);
    expect(await points('db.client.connection.count')).toStrictEqual([]);
    expect(spans()).toHaveLength(1);
  });

  it('that fails takes nothing with it, and says so where OpenTelemetry does', () => {
    const error = vi.fn<(message: string, ...details: unknown[]) => void>();
    const silent = (): void => undefined;
    diag.setLogger(
      { error, warn: silent, info: silent, debug: silent, verbose: silent },
      { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
    );
    onTestFinished(() => diag.disable());
    const uncaught = vi.fn<(cause: unknown) => void>();
    process.on('uncaughtException', uncaught);
    onTestFinished(() => void process.off('uncaughtException', uncaught));
    const meterProvider = new MeterProvider();
    const tracerProvider = {
      getTracer: () => ({
        startSpan: () => {
          throw new Error('no spans today');
        },
        startActiveSpan: () => {
          throw new Error('no spans today');
        },
      }),
    };
    onTestFinished(instrumentAzureRedis({ connections: new Map(), meterProvider, tracerProvider }));
    publish('llmCache', HIT);
    expect(error).toHaveBeenCalledExactlyOnceWith(
      'nestjs-azure-redis: Telemetry failed to record "llmCache".',
      expect.objectContaining({ message: 'no spans today' }),
    );
    // Where diagnostics_channel puts what a subscriber throws.
    return new Promise<void>((resolve) => process.nextTick(resolve)).then(() => {
      expect(uncaught).not.toHaveBeenCalled();
    });
  });
});
