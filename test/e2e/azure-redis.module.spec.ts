import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import {
  AzureRedisModule,
  AzureRedisStore,
  EntraTokenManager,
  getAzureRedisCredentialToken,
  getAzureRedisOptionsToken,
  getAzureRedisStoreToken,
  getAzureRedisToken,
  getAzureRedisTokenManagerToken,
  InjectAzureRedis,
  InjectAzureRedisStore,
  type AzureRedisModuleOptions,
  type AzureRedisOptionsFactory,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.js';
import { freshCredential } from '../fixtures/fresh-credential.js';
import { PLATFORMS, startGateway } from '../fixtures/gateway-app.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterEach(() => {
  azure.entra.recover();
  azure.redis.recover();
});
afterAll(() => azure.stop());

const options = (more: AzureRedisModuleOptions = {}): AzureRedisModuleOptions => ({
  ...azure.connection,
  credential: azure.credential,
  ...more,
});

async function boot(
  ...imports: Parameters<typeof Test.createTestingModule>[0]['imports'] & object
) {
  const logger = new RecordingLogger();
  const app = await Test.createTestingModule({ imports }).setLogger(logger).compile();
  await app.init();
  onTestFinished(() => app.close());
  return { app, logger };
}

describe('the module', () => {
  it('provides client, token manager, credential, options, store and cache manager', async () => {
    const { app } = await boot(AzureRedisModule.forRoot(options()));
    const client = app.get<Redis>(getAzureRedisToken());
    expect(client).toBeInstanceOf(Redis);
    expect(await client.ping()).toBe('PONG');
    expect(app.get(getAzureRedisTokenManagerToken())).toBe(app.get(EntraTokenManager));
    expect(app.get(getAzureRedisStoreToken())).toBe(app.get(AzureRedisStore));
    expect(app.get(getAzureRedisCredentialToken())).toBe(azure.credential);
    expect(app.get(getAzureRedisOptionsToken())).toMatchObject({ topology: 'standalone', db: 0 });
    const cache = app.get<Cache>(CACHE_MANAGER);
    expect(app.get(Cache)).toBe(cache);
    await cache.set('key', { a: 1 });
    expect(await cache.get('key')).toEqual({ a: 1 });
    expect(await client.keys('*key')).toEqual(['cache:key']);
    expect(await client.pttl('cache:key')).toBeGreaterThan(3_500_000);
    expect(await cache.wrap('wrapped', () => 'made')).toBe('made');
    expect(await cache.wrap('wrapped', () => 'made again')).toBe('made');
    await cache.clear();
    expect(await client.dbsize()).toBe(0);
  });

  it('takes its options from a factory, a class and an existing provider', async () => {
    @Injectable()
    class Factory implements AzureRedisOptionsFactory {
      createAzureRedisOptions(): Promise<AzureRedisModuleOptions> {
        return Promise.resolve(options({ db: 2 }));
      }
    }
    @Module({ providers: [Factory], exports: [Factory] })
    class FactoryModule {}
    for (const imported of [
      AzureRedisModule.forRootAsync({
        imports: [FactoryModule],
        inject: [Factory],
        useFactory: (factory: Factory) => factory.createAzureRedisOptions(),
      }),
      AzureRedisModule.forRootAsync({ useClass: Factory }),
      AzureRedisModule.forRootAsync({ imports: [FactoryModule], useExisting: Factory }),
    ]) {
      const { app } = await boot(imported);
      expect(await app.get<Redis>(getAzureRedisToken()).call('CLIENT', 'INFO')).toMatch(/ db=2 /);
    }
  });

  it('keeps several connections apart', async () => {
    @Injectable()
    class User {
      constructor(
        @InjectAzureRedis() readonly main: Redis,
        @InjectAzureRedis('sessions') readonly sessions: Redis,
        @InjectAzureRedisStore('sessions') readonly store: AzureRedisStore,
      ) {}
    }
    @Module({ providers: [User], exports: [User] })
    class UserModule {}
    const { app } = await boot(
      AzureRedisModule.forRoot(options()),
      AzureRedisModule.forRootAsync({
        name: 'sessions',
        useFactory: () => options({ db: 1, cache: { namespace: 'sessions' } }),
      }),
      UserModule,
    );
    const { main, sessions, store } = app.get(User);
    expect(main).not.toBe(sessions);
    await store.set('one', 'value');
    expect(await sessions.get('sessions:one')).toBe('value');
    expect(await main.get('sessions:one')).toBeNull();
    await app.close();
    expect([main.status, sessions.status]).toEqual(['end', 'end']);
  });

  it('does not provide a cache manager with cache: false, and for a named connection only when asked', async () => {
    const provides = async (...imports: Parameters<typeof boot>) => {
      const { app } = await boot(...imports);
      return app.get(CACHE_MANAGER, { strict: false }) !== undefined;
    };
    const named = { name: 'other' };
    await expect(provides(AzureRedisModule.forRoot(options({ cache: false })))).rejects.toThrow(
      /CACHE_MANAGER/,
    );
    await expect(
      provides(AzureRedisModule.forRootAsync({ cache: false, useFactory: () => options() })),
    ).rejects.toThrow(/CACHE_MANAGER/);
    await expect(provides(AzureRedisModule.forRoot({ ...named, ...options() }))).rejects.toThrow(
      /CACHE_MANAGER/,
    );
    expect(await provides(AzureRedisModule.forRoot({ ...named, ...options({ cache: {} }) }))).toBe(
      true,
    );
  });

  it('refuses cache: false from the factory, where it comes too late', async () => {
    await expect(
      boot(AzureRedisModule.forRootAsync({ useFactory: () => options({ cache: false }) })),
    ).rejects.toThrow(/forRootAsync\(\{ cache: false/);
  });

  it('is visible to other modules only where imported when it is not global', async () => {
    @Module({ imports: [AzureRedisModule.forRoot({ isGlobal: false, ...options() })] })
    class Inner {}
    @Injectable()
    class Outside {
      constructor(@InjectAzureRedis() readonly client: Redis) {}
    }
    @Module({ providers: [Outside] })
    class OutsideModule {}
    await expect(boot(Inner, OutsideModule)).rejects.toThrow(/AZURE_REDIS_CLIENT/);
  });

  it('reports every mistake in the options at once and does not start', async () => {
    await expect(
      boot(AzureRedisModule.forRoot({ port: 0, topology: 'cluster', db: 1 })),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      problems: [
        expect.stringMatching(/host/),
        expect.stringMatching(/port/),
        expect.stringMatching(/db/),
      ],
    });
  });
});

describe('boot', () => {
  it('does not wait for Entra or Redis; the client works when they come', async () => {
    azure.entra.disconnect();
    azure.redis.refuse();
    const { app } = await boot(
      AzureRedisModule.forRoot(options({ credential: freshCredential(azure) })),
    );
    const pong = app.get<Redis>(getAzureRedisToken()).ping();
    const tokens = app.get(EntraTokenManager);
    await eventually('Entra failed twice', () => tokens.consecutiveFailures >= 2);
    azure.entra.recover();
    azure.redis.recover();
    await expect(pong).resolves.toBe('PONG');
  });

  it('waits for a working connection with failFast', async () => {
    const { app } = await boot(AzureRedisModule.forRoot(options({ failFast: true })));
    expect(app.get<Redis>(getAzureRedisToken()).status).toBe('ready');
  });

  it('is refused with failFast when it cannot work, with the reason and nothing left open', async () => {
    const { tenantId, withoutAccess } = azure.identity;
    const before = azure.redis.connections;
    const credential = { tenantId, ...withoutAccess, sdk: azure.credentialSdkOptions };
    const { objectId, ...accepted } = credential;
    await expect(
      boot(AzureRedisModule.forRoot(options({ failFast: true, credential: accepted }))),
    ).rejects.toMatchObject({
      code: 'IDENTITY_REFUSED',
      message: expect.stringContaining(objectId),
    });
    await eventually('all sockets are closed', () => azure.redis.connections <= before);
  });

  it.each([
    ['a wrong secret', { clientSecret: 'wrong' }, 'CREDENTIAL_REFUSED', /client secret/],
    ['an unknown tenant', { tenantId: UNKNOWN }, 'TOKEN_UNAVAILABLE', /tenant/],
    ['an unknown application', { clientId: UNKNOWN }, 'CREDENTIAL_REFUSED', /application/],
  ])('is refused with failFast for %s', async (_what, wrong, code, reason) => {
    const credential = { ...freshCredential(azure), ...wrong };
    await expect(
      boot(
        AzureRedisModule.forRoot(
          options({ failFast: true, credential, deadlines: { connectMs: 500, handshakeMs: 500 } }),
        ),
      ),
    ).rejects.toMatchObject({ code, message: expect.stringMatching(reason) });
  });
});

describe('shutdown', () => {
  // No connections but those of the test.
  beforeAll(async () => {
    await azure.stop();
    azure = await startLocalAzure();
  });

  it('closes the connection after the requests that are under way', async () => {
    const gateway = await startGateway([AzureRedisModule.forRoot(options())]);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    gateway.upstream.answer = async () => {
      await released;
      return { late: true };
    };
    const answer = gateway.get('/stock');
    await eventually('the handler runs', () => gateway.upstream.calls === 1);
    const closing = gateway.app.close();
    release();
    await expect(answer).resolves.toMatchObject({ status: 200, body: { late: true } });
    await closing;
    await eventually('the socket is closed', () => azure.redis.connections === 0);
    // The entry was written before the connection closed.
    const again = await startGateway([AzureRedisModule.forRoot(options())]);
    await eventually('the entry is there', async () => (await again.get('/stock')).cache === 'HIT');
  });

  it('leaves a client alone that somebody else made', async () => {
    const { app } = await boot(AzureRedisModule.forRoot(options()));
    const copy = app.get<Redis>(getAzureRedisToken()).duplicate();
    onTestFinished(() => copy.disconnect());
    await copy.ping();
    await app.close();
    expect(copy.status).toBe('ready');
    // Nobody closes it: it does not try for ever to get a token that will not come.
    copy.on('error', () => undefined);
    azure.redis.kill();
    await eventually('it has ended', () => copy.status === 'end');
  });
});

describe.each(PLATFORMS)('a decorated controller on %s', (platform) => {
  it('is cached with no further wiring: stock GET and LLM POST', async () => {
    const gateway = await startGateway(
      [
        AzureRedisModule.forRootAsync({
          useFactory: () => options({ cache: { namespace: platform } }),
        }),
      ],
      platform,
    );
    const body = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] };
    for (const ask of [
      () => gateway.get('/stock'),
      () => gateway.post('/v1/chat/completions', body),
    ]) {
      gateway.upstream.calls = 0;
      const miss = await ask();
      expect(miss).toMatchObject({ status: 200, cache: 'MISS', body: { call: 1 } });
      await eventually('the answer is stored', async () => (await ask()).cache === 'HIT');
      gateway.upstream.calls = 0;
      expect(await ask()).toMatchObject({ status: 200, cache: 'HIT', body: miss.body });
      expect(gateway.upstream.calls).toBe(0);
    }
  });
});
