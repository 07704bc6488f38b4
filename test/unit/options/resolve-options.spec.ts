import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AzureRedisModuleOptions } from '../../../lib/options/azure-redis-options.interface.js';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import { HOST, SECRET } from './problems-of.js';

const resolve = (options: AzureRedisModuleOptions) =>
  resolveAzureRedisOptions({ host: HOST, ...options });

describe('resolveAzureRedisOptions', () => {
  it('needs nothing but a host', () => {
    expect(resolveAzureRedisOptions({ host: HOST })).toEqual({
      host: HOST,
      port: 10_000,
      topology: 'standalone',
      startupNodes: [{ host: HOST, port: 10_000 }],
      tls: { servername: HOST },
      db: 0,
      username: undefined,
      credential: {},
      scope: 'https://redis.azure.com/.default',
      deadlines: {
        tokenMs: 10_000,
        connectMs: 10_000,
        handshakeMs: 15_000,
        reauthMs: 10_000,
        silenceMs: 30_000,
      },
      cache: {
        namespace: 'cache',
        ttlMs: 3_600_000,
        deadlineMs: 250,
        mode: 'default_on',
        supportedCallTypes: undefined,
        near: false,
        llm: {
          scope: undefined,
          maxEntryBytes: 1_048_576,
          pacing: 'instant',
          verbatim: false,
          onDisconnect: 'drain',
          drainDeadlineMs: 120_000,
          followerDeadlineMs: 120_000,
          maxFollowers: 10_000,
          clientControls: false,
          maxTtlMs: 86_400_000,
          ignoredParameters: undefined,
          fleet: { leaseMs: 3_000 },
          staleWhileRevalidateMs: 0,
          staleIfErrorMs: 0,
          shadow: false,
          resumable: false,
          explain: false,
          encryption: undefined,
          compressAboveBytes: 16_384,
          pricing: undefined,
        },
      },
      redis: {},
      failFast: false,
    });
  });

  it('keeps everything that is given', () => {
    const retryStrategy = (): number => 5;
    const pricing = (): number => 1;
    const given = {
      host: 'localhost',
      port: 7000,
      topology: 'cluster',
      tls: { ca: 'the authority', servername: 'name.in.certificate' },
      db: 0,
      username: '11111111-2222-3333-4444-555555555555',
      credential: { kind: 'managed-identity', clientId: 'the id' },
      scope: 'https://redis.azure.us/.default',
      deadlines: { tokenMs: 1, connectMs: 2, handshakeMs: 3, reauthMs: 4, silenceMs: 5 },
      cache: {
        namespace: 'my-app:cache',
        ttlMs: 5,
        deadlineMs: 6,
        mode: 'default_off',
        near: { maxBytes: 1, maxEntries: 2, maxAgeMs: 3, decrypted: true },
        supportedCallTypes: [],
        llm: {
          scope: 'public',
          maxEntryBytes: 7,
          pacing: { tokensPerSecond: 8 },
          verbatim: true,
          onDisconnect: 'abort',
          drainDeadlineMs: 9,
          followerDeadlineMs: 10,
          maxFollowers: 11,
          clientControls: 'http',
          maxTtlMs: 12,
          ignoredParameters: ['user'],
          fleet: { leaseMs: 600 },
          staleWhileRevalidateMs: 13,
          staleIfErrorMs: 14,
          shadow: true,
          resumable: true,
          explain: true,
          encryption: { secrets: ['s'.repeat(32)] },
          compressAboveBytes: Infinity,
          pricing,
        },
      },
      redis: { retryStrategy, cluster: { scaleReads: 'slave' } },
      failFast: true,
    } satisfies AzureRedisModuleOptions;
    expect(resolveAzureRedisOptions(given)).toEqual({
      ...given,
      startupNodes: [{ host: 'localhost', port: 7000 }],
    });
  });

  it.each([
    ['my-cache.redis.cache.windows.net', 6380],
    ['MY-CACHE.Redis.Cache.Windows.Net', 6380],
    ['my-cache.redis.cache.usgovcloudapi.net', 6380],
    ['my-cache.redis.cache.chinacloudapi.cn', 6380],
    ['redis.cache.windows.net.example.com', 10_000],
    [HOST, 10_000],
    ['127.0.0.1', 10_000],
    ['::1', 10_000],
    ['my_redis', 10_000],
  ])('takes the Azure port of %s by default: %i', (host, port) => {
    expect(resolveAzureRedisOptions({ host }).port).toBe(port);
  });

  it.each<[string, AzureRedisModuleOptions['tls'], unknown]>([
    ['checks the certificate against host', true, { servername: HOST }],
    ['is on by default', undefined, { servername: HOST }],
    ['adds host to the options', { ca: 'pem' }, { ca: 'pem', servername: HOST }],
    ['lets a servername win', { servername: 'other.name' }, { servername: 'other.name' }],
    ['is off on request', false, false],
  ])('TLS %s', (_, tls, expected) => {
    expect(resolve({ ...(tls !== undefined && { tls }) }).tls).toEqual(expected);
  });

  it.each(['127.0.0.1', '::1'])('sends no servername for the IP address %s', (host) => {
    expect(resolveAzureRedisOptions({ host }).tls).toEqual({});
    expect(resolveAzureRedisOptions({ host, tls: { servername: 'a.name' } }).tls).toEqual({
      servername: 'a.name',
    });
  });

  it('lists the start nodes of a cluster, host first and each once', () => {
    const startupNodes = [
      { host: 'node-2.example.com', port: 8501 },
      { host: HOST },
      { host: 'node-3.redis.cache.windows.net' },
    ];
    expect(resolve({ topology: 'cluster', startupNodes }).startupNodes).toEqual([
      { host: HOST, port: 10_000 },
      { host: 'node-2.example.com', port: 8501 },
      { host: 'node-3.redis.cache.windows.net', port: 6380 },
    ]);
  });

  it.each(['', '  '])('takes the username from the token when it is %j', (username) => {
    expect(resolve({ username }).username).toBeUndefined();
  });

  it.each([false, true])('has cache defaults with cache: %s', (cache) => {
    expect(resolve({ cache }).cache).toEqual(resolve({}).cache);
  });

  it('takes undefined as absent', () => {
    const absent: object = {
      port: undefined,
      tls: undefined,
      db: undefined,
      username: undefined,
      credential: undefined,
      scope: undefined,
      deadlines: { tokenMs: undefined },
      cache: { ttlMs: undefined, supportedCallTypes: undefined },
      redis: undefined,
    };
    expect(resolve(absent)).toEqual(resolve({}));
    const credential: object = { clientId: undefined };
    expect(resolve({ credential }).credential).toEqual({});
  });

  it('freezes what it returns and leaves the input alone', () => {
    const input = {
      host: HOST,
      topology: 'cluster' as const,
      startupNodes: [{ host: 'other' }],
      tls: { ca: ['pem'] },
      credential: { clientId: 'id', sdk: { retryOptions: { maxRetries: 0 } } },
      deadlines: { tokenMs: 5 },
      cache: { supportedCallTypes: ['acompletion'] },
      redis: { cluster: { maxRedirections: 3 } },
    };
    const frozen: unknown[] = [];
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      frozen.push(Object.isFrozen(value));
      for (const nested of Object.values(value)) visit(nested);
    };
    visit(resolveAzureRedisOptions(input));
    expect(frozen.length).toBeGreaterThan(12);
    expect(frozen).not.toContain(false);
    input.cache.supportedCallTypes.push('aembedding');
    expect(Object.isFrozen(input.credential.sdk.retryOptions)).toBe(false);
  });

  it("leaves the user's TokenCredential, functions and buffers as they are", () => {
    class OwnCredential {
      calls = 0;
      getToken(): Promise<null> {
        this.calls++;
        return Promise.resolve(null);
      }
    }
    const credential = new OwnCredential();
    const ca = Buffer.from('pem');
    const natMap = { '10.0.0.1:8500': { host: HOST, port: 8500 } };
    const options = resolve({ credential, tls: { ca }, redis: { natMap } });
    expect(options.credential).toBe(credential);
    expect(Object.isFrozen(credential)).toBe(false);
    expect(options.tls).toHaveProperty('ca', ca);
    expect(Object.isFrozen(natMap)).toBe(false);
  });

  it('survives options that contain themselves', () => {
    const sdk: Record<string, unknown> = {};
    sdk['self'] = sdk;
    expect(() => resolve({ credential: { sdk } })).not.toThrow();
  });

  it('shows no secret to inspect() and JSON.stringify()', () => {
    const options = resolve({
      credential: {
        clientId: 'the-client-id',
        tenantId: 'the-tenant-id',
        clientSecret: SECRET,
        sdk: { proxyOptions: { host: 'http://proxy', port: 8080, password: SECRET } },
      },
      tls: { key: SECRET, passphrase: SECRET },
    });
    expect(options.credential).toHaveProperty('clientSecret', SECRET);
    expect({ ...options.credential }).toHaveProperty('clientSecret', SECRET);
    const shown = [
      inspect(options, { depth: 10, showHidden: true }),
      JSON.stringify(options),
      inspect(options.credential),
      inspect(options.tls),
    ];
    expect(shown.join()).toContain('the-client-id');
    expect(shown.join()).not.toContain(SECRET);
  });
});
