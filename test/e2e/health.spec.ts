import { inspect } from 'node:util';
import { Controller, Get, Inject, Module, type INestApplication } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
} from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import {
  AzureRedisModule,
  getAzureRedisStoreToken,
  type AzureRedisModuleOptions,
  type AzureRedisStore,
} from 'nestjs-azure-redis';
import {
  AzureRedisHealthIndicator,
  AzureRedisHealthModule,
  type AzureRedisHealthOptions,
} from 'nestjs-azure-redis/health';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';

const TIMEOUT_MS = 300;
/** What a shared machine may add to any answer. */
const NOISE_MS = 750;

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(AzureRedisHealthIndicator) private readonly redis: AzureRedisHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  all() {
    return this.#check({ timeoutMs: TIMEOUT_MS });
  }

  @Get('alerts')
  @HealthCheck()
  alerts() {
    return this.#check({ timeoutMs: TIMEOUT_MS, degradedIsDown: true });
  }

  @Get('second')
  @HealthCheck()
  second() {
    return this.#check({ name: 'second' });
  }

  #check(options: AzureRedisHealthOptions) {
    return this.health.check([() => this.redis.isHealthy('redis', options)]);
  }
}

/** As the README shows it: the health module beside TerminusModule, in a module of its own. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false }), AzureRedisHealthModule],
  controllers: [HealthController],
})
class HealthModule {}

interface Redis {
  readonly status: string;
  readonly reasons?: readonly string[];
  readonly pingMs?: number;
  readonly secondsToExpiry?: number;
  readonly connections: number;
}

interface Health {
  readonly code: number;
  readonly status: string;
  readonly redis: Redis;
  readonly text: string;
  readonly tookMs: number;
}

interface Application {
  readonly app: INestApplication;
  ask(path?: string): Promise<Health>;
}

let azure: LocalAzure;
afterEach(() => azure.stop());

/** Terminus before 12.1 knows no `degraded`. */
const OLDER_TERMINUS = {
  check(key: string) {
    const session = new HealthIndicatorService().check(key);
    return {
      up: (data: Record<string, unknown>) => session.up(data),
      down: (data: Record<string, unknown>) => session.down(data),
    };
  },
};

async function start(
  connections: AzureRedisModuleOptions[] = [{}],
  health: object = new HealthIndicatorService(),
): Promise<Application> {
  const testing = await Test.createTestingModule({
    imports: [
      ...connections.map((options) =>
        AzureRedisModule.forRoot({
          ...azure.connection,
          credential: azure.credential,
          ...options,
        }),
      ),
      HealthModule,
    ],
  })
    .overrideProvider(HealthIndicatorService)
    .useValue(health)
    .setLogger(new RecordingLogger())
    .compile();
  const app = testing.createNestApplication();
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const ask = async (path = ''): Promise<Health> => {
    const startedAt = performance.now();
    const response = await fetch(`${url}/health${path}`);
    const text = await response.text();
    const { status, details } = JSON.parse(text);
    const tookMs = performance.now() - startedAt;
    return { code: response.status, status, redis: details?.redis, text, tookMs };
  };
  return { app, ask };
}

/** Who may look at health must not learn where Redis is, who connects, and with what. */
function expectNoSecret({ text }: Health): void {
  const { tenantId, clientId, clientSecret, objectId } = azure.identity;
  const { host, port } = azure.connection;
  for (const secret of [tenantId, clientId, clientSecret, objectId, `${host}:${port}`, 'eyJ']) {
    expect(text).not.toContain(secret);
  }
}

function expectInTime({ tookMs }: Health): void {
  expect(tookMs).toBeLessThan(TIMEOUT_MS + NOISE_MS);
}

describe('the health of a connection', () => {
  it.each(['standalone', 'cluster'] as const)('is up: %s', async (topology) => {
    azure = await startLocalAzure({ topology });
    const { ask } = await start();
    const answer = await ask();
    expect(answer).toMatchObject({ code: 200, status: 'ok' });
    expect(answer.redis).toStrictEqual({
      status: 'up',
      pingMs: expect.any(Number),
      secondsToExpiry: expect.any(Number),
      connections: expect.any(Number),
    });
    expect(answer.redis.secondsToExpiry).toBeGreaterThan(3_500);
    expectNoSecret(answer);
    expect((await ask('/alerts')).code).toBe(200);
  });

  it.each<[string, () => Promise<void>, () => Promise<void>, RegExp]>([
    [
      'refuses connections',
      async () => {
        azure.redis.refuse();
        azure.redis.kill();
      },
      async () => azure.redis.recover(),
      /^Redis is not connected \(CONNECTION_FAILED\)\. The log/,
    ],
    [
      'is frozen',
      async () => azure.redis.freeze(),
      async () => azure.redis.thaw(),
      /^Redis did not answer PING within 300 ms\.$/,
    ],
    [
      'is gone',
      () => azure.redis.shutdownServer(),
      () => azure.redis.restartServer(),
      /^Redis is not connected/,
    ],
  ])('is down in bounded time while Redis %s, and up again', async (_how, begin, end, reason) => {
    azure = await startLocalAzure();
    const { ask } = await start();
    expect((await ask()).code).toBe(200);
    await begin();
    await eventually('it is down', async () => (await ask()).code === 503);
    const answer = await ask();
    expect(answer).toMatchObject({ code: 503, status: 'error', redis: { status: 'down' } });
    expect(answer.redis.reasons?.[0]).toMatch(reason);
    expect(answer.redis).not.toHaveProperty('pingMs');
    expectInTime(answer);
    expectNoSecret(answer);
    await end();
    await eventually('it is up', async () => (await ask()).redis.status === 'up');
  });

  it('is degraded while Entra is away, down without a token, and up again', async () => {
    azure = await startLocalAzure({ tokenLifetimeMs: 4_000 });
    const { ask } = await start();
    azure.entra.disconnect();
    await eventually('it is degraded', async () => (await ask()).redis.status === 'degraded');
    const answer = await ask();
    expect(answer).toMatchObject({ code: 200, redis: { status: 'degraded' } });
    expect(answer.redis.reasons).toStrictEqual([
      expect.stringMatching(
        /^Requests for a new token failed, \d+ in a row \(TOKEN_UNAVAILABLE\)\. The present one expires in \d s\.$/,
      ),
    ]);
    expectNoSecret(answer);
    expect(await ask('/alerts')).toMatchObject({
      code: 503,
      redis: { status: 'down', reasons: answer.redis.reasons?.map(() => expect.any(String)) },
    });
    await eventually('it is down', async () => (await ask()).code === 503);
    expect((await ask()).redis.reasons?.join(' ')).toMatch(
      /Redis is not connected.*There is no valid token \(TOKEN_UNAVAILABLE\)/,
    );
    azure.entra.recover();
    await eventually('it is up', async () => (await ask()).redis.status === 'up', 20_000);
  });

  it('is degraded while a master of a cluster does not answer, and says how many', async () => {
    azure = await startLocalAzure({ topology: 'cluster' });
    const { ask } = await start();
    await ask();
    azure.redis.failCommands('LOADING Redis is loading the dataset in memory', 1);
    const answer = await ask();
    expect(answer).toMatchObject({ code: 200, redis: { status: 'degraded' } });
    expect(answer.redis.reasons).toStrictEqual([
      '1 of 3 masters did not answer PING within 300 ms.',
    ]);
    expect((await ask()).redis.status).toBe('up');
  });

  it('is up with reasons where Terminus does not know degraded', async () => {
    azure = await startLocalAzure({ topology: 'cluster' });
    const { ask } = await start([{}], OLDER_TERMINUS);
    await ask();
    azure.redis.failCommands('LOADING Redis is loading the dataset in memory', 1);
    const { code, redis } = await ask();
    expect([code, redis.status, redis.reasons?.length]).toStrictEqual([200, 'up', 1]);
  });

  it('is degraded while Redis refuses what the cache writes', async () => {
    azure = await startLocalAzure();
    const { app, ask } = await start();
    const store = app.get<AzureRedisStore>(getAzureRedisStoreToken());
    azure.redis.failCommands("OOM command not allowed when used memory > 'maxmemory'.", 1);
    await store.set('key', 'value');
    const answer = await ask();
    expect(answer).toMatchObject({ code: 200, redis: { status: 'degraded' } });
    expect(answer.redis.reasons?.join()).toMatch(/^Redis refuses operations of the cache\./);
  });

  it('costs a silent Redis one PING, however often it is asked', async () => {
    azure = await startLocalAzure();
    const { ask } = await start();
    const { connections } = (await ask()).redis;
    azure.redis.stall();
    azure.redis.resetStatistics();
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask()));
    expect(answers.map(({ code }) => code)).toStrictEqual(Array.from({ length: 10 }, () => 503));
    expect(azure.redis.commands).toBeLessThanOrEqual(1);
    azure.redis.recover();
    await eventually('it is up', async () => (await ask()).redis.status === 'up');
    expect((await ask()).redis.connections).toBe(connections);
  });

  it('is that of the connection named', async () => {
    azure = await startLocalAzure();
    await using other = await startLocalAzure();
    const second = { ...other.connection, credential: other.credential, name: 'second' };
    const { ask } = await start([{}, second]);
    other.redis.refuse();
    other.redis.kill();
    await eventually('it is down', async () => (await ask('/second')).code === 503);
    expect(await ask()).toMatchObject({ code: 200, redis: { status: 'up' } });
  });

  it('needs a name that is known and a timeout that is one', async () => {
    azure = await startLocalAzure();
    const { app } = await start();
    const health = app.get(AzureRedisHealthIndicator, { strict: false });
    await expect(health.isHealthy('redis', { name: 'nobody' })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/got "nobody"\. Import AzureRedisModule with this name/),
    });
    for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31]) {
      await expect(health.isHealthy('redis', { timeoutMs })).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
      });
    }
    expect(inspect(health, { depth: 10 })).not.toContain(azure.identity.clientSecret);
  });
});
