import { chmod, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  startLocalAzure,
  type LocalAzure,
  type StartLocalAzureOptions,
} from '../../../lib/testing/index.js';
import { findRedisServer } from '../../../lib/testing/redis-server/find-redis-server.js';
import { eventually } from '../../fixtures/eventually.js';
import { handshake, RawClient, redisClient } from './local-azure.js';
import { temporaryFolder } from './temporary-folder.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

async function start(options: StartLocalAzureOptions = {}): Promise<LocalAzure> {
  const azure = await startLocalAzure(options);
  onTestFinished(() => azure.stop());
  return azure;
}

describe('a real Redis', () => {
  it('is the one on PATH', async () => {
    vi.stubEnv('REDIS_SERVER', undefined);
    expect((await start()).redisDescription).toMatch(
      /^(redis|valkey)-server \d+\.\d+\.\d+ at \/.*(redis|valkey)-server$/,
    );
  });

  it('is the one that REDIS_SERVER names', async () => {
    const named = join(await temporaryFolder(), 'my-redis');
    await symlink(findRedisServer() ?? '', named);
    vi.stubEnv('REDIS_SERVER', named);
    expect((await start()).redisDescription).toContain(` at ${named}`);
    vi.stubEnv('PATH', `${dirname(named)}:${process.env['PATH']}`);
    vi.stubEnv('REDIS_SERVER', 'my-redis');
    expect((await start()).redisDescription).toContain(` at ${named}`);
  });

  it('is asked for with the command that installs it', async () => {
    vi.stubEnv('REDIS_SERVER', undefined);
    vi.stubEnv('PATH', await temporaryFolder());
    for (const topology of ['standalone', 'cluster'] as const) {
      await expect(start({ topology })).rejects.toMatchObject({
        code: 'REDIS_NOT_FOUND',
        message: expect.stringMatching(/apt-get install redis-server|brew install redis/),
      });
    }
    await expect(start({ topology: 'cluster', allowJavaScriptRedis: true })).rejects.toMatchObject({
      code: 'REDIS_NOT_FOUND',
    });
  });

  it('must exist and be executable when REDIS_SERVER names it', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'redis');
    await writeFile(file, '');
    for (const named of [file, folder, join(folder, 'nothing')]) {
      vi.stubEnv('REDIS_SERVER', named);
      await expect(start()).rejects.toThrow(`REDIS_SERVER names ${named}`);
    }
  });

  it.each([
    ['fails', '#!/bin/sh\nexit 1\n'],
    ['ends at once', '#!/bin/sh\ntest "$1" = --version || echo "no such option"\n'],
  ])('that %s is reported, with its last words', async (_, script) => {
    const file = join(await temporaryFolder(), 'redis-server');
    await writeFile(file, script);
    await chmod(file, 0o755);
    vi.stubEnv('REDIS_SERVER', file);
    await expect(start()).rejects.toMatchObject({
      code: 'REDIS_NOT_STARTED',
      message: expect.stringMatching(/--version failed|no such option/),
    });
  });
});

describe('the JavaScript Redis', () => {
  async function startWithoutRedis(): Promise<LocalAzure> {
    vi.stubEnv('REDIS_SERVER', undefined);
    vi.stubEnv('PATH', await temporaryFolder());
    return start({ allowJavaScriptRedis: true });
  }

  it('is used only when it is allowed and there is no other', async () => {
    const other = await start({ allowJavaScriptRedis: true });
    expect(other.redisDescription).toMatch(/^(redis|valkey)-server/);
    expect((await startWithoutRedis()).redisDescription).toMatch(/^js-redis-server/);
  });

  it.each([2, 3] as const)(
    'lets in who has a token, and nobody else (RESP%i)',
    async (protocol) => {
      const azure = await startWithoutRedis();
      const client = redisClient(azure, { protocol });
      expect(await handshake(client)).toBe('ready');
      expect(await client.set('key', 'value')).toBe('OK');
      expect(await client.multi().get('key').del('key').exec()).toEqual([
        [null, 'value'],
        [null, 1],
      ]);
      expect(await client.auth(azure.identity.objectId, azure.entra.issue())).toBe('OK');
      const stranger = redisClient(azure, { protocol, password: 'wrong' });
      expect(await handshake(stranger)).toMatch(/WRONGPASS/);
      const nobody = await RawClient.connect(azure);
      expect(await nobody.ask('GET', 'key')).toMatch(/^-NOAUTH/);
      expect(await nobody.ask('INFO')).toMatch(/^-NOAUTH/);
      expect(await nobody.ask('HELLO', '3')).toMatch(/^-NOAUTH/);
    },
  );

  it('closes connections whose token expires', async () => {
    const azure = await startWithoutRedis();
    const password = azure.entra.issue({ exp: Date.now() / 1000 + 0.5 });
    const client = redisClient(azure, { password });
    await client.ping();
    await eventually('it is closed', () => client.status === 'end');
    expect(azure.redis.expired).toBe(1);
  });

  it('says what it cannot do', async () => {
    const azure = await startWithoutRedis();
    expect(() => azure.redis.freeze()).toThrow(/js-redis-server cannot/);
    await expect(azure.redis.moveSlot(1, 0, 1)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    await azure.redis.shutdownServer();
    await azure.redis.restartServer();
    expect(await handshake(redisClient(azure))).toBe('ready');
  });
});
