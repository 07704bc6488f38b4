import { describe, expect, it } from 'vitest';
import type { DoctorFlags } from '../../../../lib/cli/doctor/doctor-flags.js';
import { readOptions } from '../../../../lib/cli/doctor/options-from-flags.js';
import { resolveAzureRedisOptions } from '../../../../lib/options/resolve-options.js';
import { selectCredentialKind } from '../../../../lib/credential/credential-kind.js';
import { isTokenCredential } from '../../../../lib/options/credential-options.js';
import type { Environment } from '../../../../lib/options/from-environment.js';

const SERVICE_PRINCIPAL = {
  REDIS_HOST: 'env.example.com',
  REDIS_PORT: '1234',
  AZURE_CLIENT_ID: 'env-client',
  AZURE_TENANT_ID: 'env-tenant',
  AZURE_CLIENT_SECRET: 'env-secret',
};

const YAML = `
litellm_settings:
  cache: true
  cache_params:
    type: redis
    host: yaml.example.com
    azure_client_id: yaml-client
    namespace: yaml
    ttl: 60
    password: never
`;

function read(flags: DoctorFlags, env: Environment = SERVICE_PRINCIPAL) {
  return resolveAzureRedisOptions(
    readOptions({ flags, env, timeoutMs: undefined, onUnsupported: () => undefined }),
  );
}

function problems(flags: DoctorFlags, env: Environment = SERVICE_PRINCIPAL): readonly string[] {
  try {
    read(flags, env);
    return [];
  } catch (error) {
    return error instanceof Error && 'problems' in error ? (error.problems as string[]) : [];
  }
}

describe('flags and variables', () => {
  it('the environment alone is what azureRedisOptionsFromEnv() reads', () => {
    expect(read({})).toMatchObject({
      host: 'env.example.com',
      port: 1234,
      credential: { clientId: 'env-client', tenantId: 'env-tenant', clientSecret: 'env-secret' },
    });
  });

  it('a flag wins over its variable', () => {
    const flags = { host: 'flag.example.com', port: '4321', 'client-id': 'flag-client' };
    expect(read(flags)).toMatchObject({
      host: 'flag.example.com',
      port: 4321,
      credential: { clientId: 'flag-client', clientSecret: 'env-secret' },
    });
  });

  it('an empty flag takes a variable back', () => {
    expect(read({ port: '' }).port).toBe(10_000);
    const { credential } = read({ 'client-id': '' }, { REDIS_HOST: 'h', AZURE_CLIENT_ID: 'env' });
    expect(credential).toEqual({});
  });

  it('what only code could set has flags too', () => {
    const flags = {
      topology: 'standalone',
      db: '3',
      namespace: 'mine',
      scope: 'https://x/.default',
      'server-name': 'cache.example.com',
    };
    expect(read(flags)).toMatchObject({
      topology: 'standalone',
      db: 3,
      scope: 'https://x/.default',
      tls: { servername: 'cache.example.com' },
      cache: { namespace: 'mine' },
    });
  });

  it('TLS flags win over REDIS_SSL', () => {
    expect(read({ 'no-tls': true }, { ...SERVICE_PRINCIPAL, REDIS_SSL: 'true' }).tls).toBe(false);
    const off = { ...SERVICE_PRINCIPAL, REDIS_SSL: 'false' };
    expect(read({}, off).tls).toBe(false);
    expect(read({ 'server-name': 'cache.example.com' }, off).tls).toMatchObject({
      servername: 'cache.example.com',
    });
  });

  it('--timeout limits every step', () => {
    const sources = { env: SERVICE_PRINCIPAL, timeoutMs: 7, onUnsupported: () => undefined };
    expect(readOptions({ flags: {}, ...sources }).deadlines).toEqual({
      tokenMs: 7,
      connectMs: 7,
      handshakeMs: 7,
      reauthMs: 7,
    });
  });
});

describe('an identity that flags name', () => {
  it.each<[DoctorFlags, string, object]>([
    [{ 'credential-kind': 'azure-cli' }, 'azure-cli', { tenantId: 'env-tenant' }],
    [{ 'credential-kind': 'managed-identity' }, 'managed-identity', { clientId: 'env-client' }],
    [{ 'object-id': 'own' }, 'managed-identity', { objectId: 'own' }],
    [{ 'resource-id': '/own' }, 'managed-identity', { resourceId: '/own' }],
    [
      { 'certificate-path': '/own.pem' },
      'client-certificate',
      { clientId: 'env-client', tenantId: 'env-tenant', certificatePath: '/own.pem' },
    ],
    [
      { 'federated-token-file': '/own' },
      'workload-identity',
      { clientId: 'env-client', tenantId: 'env-tenant', federatedTokenFile: '/own' },
    ],
  ])('%j is a %s, whatever secret the environment has', (flags, kind, ids) => {
    const { credential } = read(flags);
    const options = isTokenCredential(credential) ? {} : credential;
    expect(selectCredentialKind(options)).toBe(kind);
    const { kind: _kind, ...found } = options;
    expect(found).toEqual(ids);
  });

  it('must fit to the flags beside it', () => {
    expect(problems({ 'credential-kind': 'azure-cli', 'client-id': 'x' })).toEqual([
      expect.stringMatching(/^--client-id: expected no such id with kind 'azure-cli'/),
    ]);
  });
});

describe('a LiteLLM configuration', () => {
  it('is read instead of the environment, and keys without effect are told', () => {
    const unsupported: string[] = [];
    const options = readOptions({
      flags: { litellm: YAML },
      env: { REDIS_PORT: '1111' },
      timeoutMs: undefined,
      onUnsupported: (keys) => unsupported.push(...keys),
    });
    expect(options).toMatchObject({
      host: 'yaml.example.com',
      port: 1111,
      credential: { clientId: 'yaml-client' },
      cache: { namespace: 'yaml', ttlMs: 60_000 },
    });
    expect(unsupported).toEqual(['password']);
  });

  it('gives way to flags', () => {
    const flags = { litellm: YAML, host: 'flag.example.com', namespace: 'mine', 'client-id': '' };
    expect(read(flags, {})).toMatchObject({
      host: 'flag.example.com',
      credential: {},
      cache: { namespace: 'mine', ttlMs: 60_000 },
    });
    expect(read(flags, {}).credential).toEqual({});
  });
});

describe('mistakes are named as they were written', () => {
  it.each<[DoctorFlags, Environment, RegExp]>([
    [{}, {}, /^--host: .* got nothing; pass --host .*, or set REDIS_HOST$/],
    [{ port: 'x' }, SERVICE_PRINCIPAL, /^--port: expected a whole number/],
    [{}, { ...SERVICE_PRINCIPAL, REDIS_PORT: 'x' }, /^REDIS_PORT: expected a whole number/],
    [{ topology: 'clutser' }, SERVICE_PRINCIPAL, /^--topology: .* did you mean 'cluster'\?$/],
    [{ scope: 'x' }, SERVICE_PRINCIPAL, /^--scope: expected an Entra scope/],
    [{ 'credential-kind': 'managed' }, SERVICE_PRINCIPAL, /^--credential-kind: expected/],
    [{ 'ca-file': '/nowhere.pem' }, SERVICE_PRINCIPAL, /^--ca-file: .* got ENOENT/],
    [{ 'ca-file': '/dev/null' }, SERVICE_PRINCIPAL, /^--ca-file: expected a file with PEM/],
    [{}, { REDIS_HOST: 'h', AZURE_CLIENT_SECRET: 's' }, /^AZURE_CLIENT_ID: expected a value/],
  ])('%j with %j', (flags, env, problem) => {
    expect(problems(flags, env)[0]).toMatch(problem);
  });
});
