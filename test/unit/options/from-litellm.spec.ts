import { inspect } from 'node:util';
import { ConsoleLogger, Logger } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import type { AzureRedisModuleOptions } from '../../../lib/options/azure-redis-options.interface.js';
import { azureRedisOptionsFromLiteLlm } from '../../../lib/options/from-litellm.js';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import {
  read,
  REALISTIC_CONFIG,
  unsupportedIn,
  withParams,
  withRedis,
} from './litellm-config.fixture.js';
import { HOST, problemsOf, SECRET } from './problems-of.js';

describe('azureRedisOptionsFromLiteLlm', () => {
  it('reads a whole config.yaml as it stands', () => {
    const env = {
      AZURE_REDIS_HOST: HOST,
      GATEWAY_CLIENT_ID: 'client',
      GATEWAY_TENANT_ID: 'tenant',
      GATEWAY_CLIENT_SECRET: SECRET,
      REDIS_USERNAME: '',
    };
    const options = read(REALISTIC_CONFIG, env);
    expect(options).toEqual({
      host: HOST,
      port: 10_000,
      tls: true,
      credential: { clientId: 'client', tenantId: 'tenant', clientSecret: SECRET },
      cache: {
        namespace: 'litellm.caching.caching',
        ttlMs: 1_800_000,
        mode: 'default_off',
        supportedCallTypes: ['acompletion', 'atext_completion', 'aembedding'],
      },
    });
    expect(resolveAzureRedisOptions(options).username).toBeUndefined();
    expect(inspect(options, { depth: 9 })).not.toContain(SECRET);
    expect(unsupportedIn(REALISTIC_CONFIG, env)).toEqual([
      ['password', 'socket_timeout', 'max_connections', 'litellm_settings.enable_redis_auth_cache'],
    ]);
  });

  it('needs nothing in cache_params but the environment that LiteLLM falls back to', () => {
    const env = {
      REDIS_HOST: HOST,
      REDIS_PORT: '6380',
      REDIS_SSL: 'True',
      REDIS_AZURE_AD_TOKEN: 'True',
      REDIS_USERNAME: 'object-id',
      AZURE_CLIENT_ID: 'client',
    };
    const expected = {
      host: HOST,
      port: 6380,
      tls: true,
      username: 'object-id',
      credential: { clientId: 'client' },
    };
    expect(read('litellm_settings:\n  cache: true\n', env)).toEqual(expected);
    expect(read('litellm_settings:\n  cache: true\n  cache_params:\n', env)).toEqual(expected);
    expect(read('litellm_settings: {cache: true, cache_params: {}}', env)).toEqual(expected);
  });

  it('lets the configuration win over the environment', () => {
    const env = { REDIS_HOST: 'other', REDIS_PORT: '1', REDIS_SSL: 'true', AZURE_CLIENT_ID: 'env' };
    const text = withRedis('port: 6380', 'ssl: false', 'azure_client_id: config');
    expect(read(text, env)).toEqual({
      host: HOST,
      port: 6380,
      tls: false,
      credential: { clientId: 'config' },
    });
  });

  it.each<[string, string[], Partial<AzureRedisModuleOptions>]>([
    ['a port as text', ['port: "6380"'], { port: 6380 }],
    ['ssl as text', ['ssl: "True"'], { tls: true }],
    ['ssl in YAML 1.1', ['ssl: off'], { tls: false }],
    ['the Entra switch', ['azure_redis_ad_token: true'], {}],
    ['the Entra switch as text', ['azure_redis_ad_token: "True"'], {}],
    ['a username', ['username: object-id'], { username: 'object-id' }],
    ['an empty username', ['username: ""'], {}],
    ['a null', ['namespace: null', 'ttl:'], {}],
    ['a ttl', ['ttl: 600'], { cache: { ttlMs: 600_000 } }],
    ['a ttl as text', ['ttl: "600"'], { cache: { ttlMs: 600_000 } }],
    ['a fraction of a second', ['ttl: 0.25'], { cache: { ttlMs: 250 } }],
    [
      'default_in_redis_ttl over ttl',
      ['ttl: 5', 'default_in_redis_ttl: 7'],
      { cache: { ttlMs: 7000 } },
    ],
    [
      'a null default_in_redis_ttl',
      ['ttl: 5', 'default_in_redis_ttl:'],
      { cache: { ttlMs: 5000 } },
    ],
    ['a mode', ['mode: default_on'], { cache: { mode: 'default_on' } }],
    ['no call types', ['supported_call_types: []'], { cache: { supportedCallTypes: [] } }],
    ['call types', ['supported_call_types: [a]'], { cache: { supportedCallTypes: ['a'] } }],
    ['a repeated key, the last wins', ['port: 1', 'port: 2'], { port: 2 }],
  ])('understands %s', (_, lines, expected) => {
    expect(read(withRedis(...lines))).toEqual({ host: HOST, ...expected });
  });

  it('resolves os.environ/NAME', () => {
    const env = { A: 'redis', B: HOST, C: '6380', D: 'false', E: '90', F: 'ns', G: 'default_off' };
    const keys = ['type', 'host', 'port', 'ssl', 'ttl', 'namespace', 'mode'];
    const lines = keys.map((key, index) => `${key}: os.environ/${'ABCDEFG'.charAt(index)}`);
    expect(read(withParams(...lines), env)).toEqual({
      host: HOST,
      port: 6380,
      tls: false,
      cache: { ttlMs: 90_000, namespace: 'ns', mode: 'default_off' },
    });
  });

  it('reads start nodes as a cluster, the first as host and port', () => {
    const text = withParams(
      'type: redis',
      'redis_startup_nodes:',
      `  - {host: ${HOST}, port: "10000"}`,
      '  - {host: os.environ/SECOND, port: 8501}',
    );
    const expected = {
      host: HOST,
      port: 10_000,
      topology: 'cluster',
      startupNodes: [{ host: 'node-2', port: 8501 }],
    };
    expect(read(text, { SECOND: 'node-2' })).toEqual(expected);
    const json = JSON.stringify([
      { host: HOST, port: 10_000 },
      { host: 'node-2', port: 8501 },
    ]);
    expect(read(withParams('type: redis'), { REDIS_CLUSTER_NODES: json })).toEqual(expected);
    const reference = withParams('type: redis', 'redis_startup_nodes: os.environ/NODES');
    expect(read(reference, { NODES: json })).toEqual(expected);
    expect(read(withRedis('redis_startup_nodes: []'))).toEqual({ host: HOST });
  });

  it('takes workload identity where AKS injects it', () => {
    const env = {
      AZURE_CLIENT_ID: 'client',
      AZURE_TENANT_ID: 'tenant',
      AZURE_FEDERATED_TOKEN_FILE: '/token',
      AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
      AZURE_CLIENT_CERTIFICATE_PATH: '/not-in-litellm.pem',
    };
    expect(read(withRedis(), env).credential).toEqual({
      clientId: 'client',
      tenantId: 'tenant',
      federatedTokenFile: '/token',
      authorityHost: 'https://login.microsoftonline.com/',
    });
  });

  it('understands anchors and merge keys', () => {
    const text = `
x-defaults: &defaults {type: redis, host: ${HOST}}
litellm_settings:
  cache: true
  cache_params:
    <<: *defaults
    port: 6380
`;
    expect(read(text)).toEqual({ host: HOST, port: 6380 });
  });

  describe('names what has no effect', () => {
    it('in one call, passwords and unknown keys too', () => {
      const text = withRedis(
        `password: ${SECRET}`,
        'url: os.environ/NOT_SET',
        'redis_flush_size: 100',
        'db: 1',
        'nonsense: 1',
      );
      expect(unsupportedIn(text)).toEqual([
        ['password', 'url', 'redis_flush_size', 'db', 'nonsense'],
      ]);
    });

    it('inside start nodes', () => {
      const nodes = `redis_startup_nodes: [{host: ${HOST}, port: 1, password: x}]`;
      expect(unsupportedIn(withParams('type: redis', nodes))).toEqual([
        ['redis_startup_nodes[0].password'],
      ]);
    });

    it('beside the mistakes', () => {
      const calls: (readonly string[])[] = [];
      const text = withParams('type: redis', 'host: a:1', 'db: 1');
      const problems = problemsOf(() =>
        azureRedisOptionsFromLiteLlm(text, { env: {}, onUnsupported: (keys) => calls.push(keys) }),
      );
      expect(problems).toHaveLength(1);
      expect(calls).toEqual([['db']]);
    });

    it('not at all when everything has', () => {
      expect(unsupportedIn(withRedis('port: 6380'))).toEqual([]);
    });

    describe('in the log', () => {
      const lines: string[] = [];
      afterEach(() => {
        Logger.overrideLogger(new ConsoleLogger());
        lines.length = 0;
      });

      it('as one warning without values, by default', () => {
        const add = (...parts: unknown[]): void => void lines.push(parts.join(' '));
        Logger.overrideLogger({ log: add, error: add, warn: add });
        azureRedisOptionsFromLiteLlm(withRedis(`password: ${SECRET}`, 'db: 1'), { env: {} });
        expect(lines).toEqual([expect.stringContaining('password, db')]);
        expect(lines[0]).toContain('AzureRedisModule');
        expect(lines[0]).not.toContain(SECRET);
      });
    });
  });
});
