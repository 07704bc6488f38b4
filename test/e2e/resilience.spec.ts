import { setTimeout as sleep } from 'node:timers/promises';
import { AzureRedisModule } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.js';
import {
  PLATFORMS,
  startGateway,
  type Gateway,
  type GatewayAnswer,
} from '../fixtures/gateway-app.js';

const DEADLINE_MS = 250;
/** What a shared machine may add to any answer. */
const NOISE_MS = 750;
const HANDLER_MS = 30;
const BODY = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] };

let azure: LocalAzure;
afterEach(() => azure.stop());

async function gatewayOn(platform: (typeof PLATFORMS)[number]): Promise<Gateway> {
  const gateway = await startGateway(
    [
      AzureRedisModule.forRoot({
        ...azure.connection,
        credential: azure.credential,
        cache: { deadlineMs: DEADLINE_MS },
        deadlines: { silenceMs: 2_000 },
      }),
    ],
    platform,
  );
  gateway.upstream.answer = async () => {
    await sleep(HANDLER_MS);
    return { choices: [{ finish_reason: 'stop', message: { content: 'Hi' } }] };
  };
  return gateway;
}

/** Both cached routes at once. */
const ask = (gateway: Gateway): Promise<GatewayAnswer[]> =>
  Promise.all([gateway.get('/stock'), gateway.post('/v1/chat/completions', BODY)]);

const hits = async (gateway: Gateway): Promise<boolean> =>
  (await ask(gateway)).every(({ cache }) => cache === 'HIT');

function expectServed(answers: GatewayAnswer[]): void {
  for (const { status, tookMs } of answers) {
    expect(status).toBe(200);
    expect(tookMs).toBeLessThan(2 * DEADLINE_MS + HANDLER_MS + NOISE_MS);
  }
}

describe.each(PLATFORMS)('cached controllers on %s', { timeout: 60_000 }, (platform) => {
  it('keep answering while Entra is down for three token lifetimes; hits return by themselves', async () => {
    const lifetimeMs = 2_000;
    azure = await startLocalAzure({ tokenLifetimeMs: lifetimeMs });
    const gateway = await gatewayOn(platform);
    await eventually('hits', () => hits(gateway));
    azure.entra.disconnect();
    const until = Date.now() + 3 * lifetimeMs;
    while (Date.now() < until) {
      expectServed(await ask(gateway));
      await sleep(100);
    }
    expect((await ask(gateway)).map(({ cache }) => cache)).not.toContain('HIT');
    azure.entra.recover();
    await eventually('hits again', () => hits(gateway), 20_000);
    expect(gateway.logger.linesLike(/Entra token cannot be refreshed/)).toHaveLength(1);
    expect(gateway.logger.linesLike(/Entra issues tokens again/)).toHaveLength(1);
    expect(azure.redis.rejected).toBe(0);
  });

  it.each<[string, () => Promise<void>, () => Promise<void>]>([
    [
      'refused',
      async () => {
        azure.redis.refuse();
        azure.redis.kill();
      },
      async () => azure.redis.recover(),
    ],
    ['frozen', async () => azure.redis.freeze(), async () => azure.redis.thaw()],
    ['killed', () => azure.redis.shutdownServer(), () => azure.redis.restartServer()],
  ])(
    'answer in time while Redis is %s; one line for down, one for up',
    async (_how, begin, end) => {
      azure = await startLocalAzure();
      const gateway = await gatewayOn(platform);
      await eventually('hits', () => hits(gateway));
      await begin();
      for (let round = 0; round < 10; round += 1) expectServed(await ask(gateway));
      await eventually('it is logged', () => gateway.logger.linesLike(/unavailable/).length > 0);
      await end();
      await eventually('hits again', () => hits(gateway), 20_000);
      expect(gateway.logger.linesLike(/^warn .*unavailable/)).toHaveLength(1);
      expect(gateway.logger.linesLike(/^log Connected/)).toHaveLength(2);
      expect(gateway.logger.linesLike(/^(warn|error)/)).toHaveLength(1);
    },
  );
});
