import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { selectCredentialKind } from '../../../lib/credential/credential-kind.js';
import type { AzureRedisModuleOptions } from '../../../lib/options/azure-redis-options.interface.js';
import { isTokenCredential } from '../../../lib/options/credential-options.js';
import {
  azureRedisOptionsFromEnv,
  type Environment,
} from '../../../lib/options/from-environment.js';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import { HOST, problemsOf, SECRET } from './problems-of.js';

/** What the AKS workload identity webhook injects. */
const AKS = {
  AZURE_CLIENT_ID: 'client',
  AZURE_TENANT_ID: 'tenant',
  AZURE_FEDERATED_TOKEN_FILE: '/var/run/secrets/azure/tokens/azure-identity-token',
  AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
};

function kindOf(options: AzureRedisModuleOptions): string {
  const { credential } = resolveAzureRedisOptions({ host: HOST, ...options });
  return isTokenCredential(credential) ? 'own' : selectCredentialKind(credential);
}

describe('azureRedisOptionsFromEnv', () => {
  const variables = ['REDIS_HOST', 'REDIS_PORT', 'AZURE_CLIENT_ID'];
  const before = variables.map((name) => [name, process.env[name]] as const);
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  it('reads the variables of LiteLLM and @azure/identity', () => {
    expect(
      azureRedisOptionsFromEnv({
        REDIS_HOST: HOST,
        REDIS_PORT: '10000',
        REDIS_SSL: 'True',
        REDIS_USERNAME: 'the-object-id',
        REDIS_AZURE_AD_TOKEN: 'True',
        REDIS_PASSWORD: SECRET,
        AZURE_CLIENT_ID: 'client',
        AZURE_TENANT_ID: 'tenant',
        AZURE_CLIENT_SECRET: SECRET,
        AZURE_CLIENT_CERTIFICATE_PATH: '/run/app.pem',
        AZURE_FEDERATED_TOKEN_FILE: '/run/token',
        AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us',
      }),
    ).toEqual({
      host: HOST,
      port: 10_000,
      tls: true,
      username: 'the-object-id',
      credential: {
        clientId: 'client',
        tenantId: 'tenant',
        clientSecret: SECRET,
        certificatePath: '/run/app.pem',
        federatedTokenFile: '/run/token',
        authorityHost: 'https://login.microsoftonline.us',
      },
    });
  });

  it('reads process.env unless given another', () => {
    for (const name of variables) delete process.env[name];
    process.env['REDIS_HOST'] = HOST;
    process.env['REDIS_PORT'] = '6380';
    expect(azureRedisOptionsFromEnv()).toMatchObject({ host: HOST, port: 6380 });
    expect(azureRedisOptionsFromEnv({})).toEqual({});
  });

  it('takes an empty variable as not set', () => {
    const names = [
      'REDIS_HOST',
      'REDIS_PORT',
      'REDIS_SSL',
      'REDIS_USERNAME',
      'REDIS_AZURE_AD_TOKEN',
      'AZURE_CLIENT_ID',
      'AZURE_TENANT_ID',
      'AZURE_CLIENT_SECRET',
      'AZURE_CLIENT_CERTIFICATE_PATH',
      'AZURE_FEDERATED_TOKEN_FILE',
      'AZURE_AUTHORITY_HOST',
    ];
    expect(azureRedisOptionsFromEnv(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(
      {},
    );
    expect(
      azureRedisOptionsFromEnv(Object.fromEntries(names.map((name) => [name, ' \n']))),
    ).toEqual({});
  });

  it('trims what a file or a shell adds', () => {
    const options = azureRedisOptionsFromEnv({ REDIS_HOST: `${HOST}\n`, REDIS_PORT: ' 6380 ' });
    expect(options).toEqual({ host: HOST, port: 6380 });
  });

  it('leaves a missing host to the boot, so that options can be completed', () => {
    const options = azureRedisOptionsFromEnv({ REDIS_URL: `redis://:${SECRET}@${HOST}` });
    expect(resolveAzureRedisOptions({ ...options, host: HOST }).host).toBe(HOST);
    expect(problemsOf(() => resolveAzureRedisOptions(options))).toEqual([
      expect.stringMatching(/^host: .*REDIS_HOST/),
    ]);
  });

  it.each([
    ['true', true],
    ['True', true],
    ['TRUE', true],
    ['false', false],
    ['False', false],
  ])('REDIS_SSL=%s means tls: %s', (REDIS_SSL, tls) => {
    expect(azureRedisOptionsFromEnv({ REDIS_SSL })).toEqual({ tls });
  });

  it.each<[string, Environment]>([
    ['workload-identity', AKS],
    ['client-secret', { ...AKS, AZURE_CLIENT_SECRET: SECRET }],
    [
      'client-certificate',
      { AZURE_CLIENT_ID: 'a', AZURE_TENANT_ID: 'b', AZURE_CLIENT_CERTIFICATE_PATH: '/c' },
    ],
    ['managed-identity', { AZURE_CLIENT_ID: 'client' }],
    ['managed-identity', { AZURE_CLIENT_ID: 'client', AZURE_TENANT_ID: 'tenant' }],
    ['default', {}],
    ['default', { AZURE_TENANT_ID: 'tenant' }],
    ['default', { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us' }],
  ])('leads to the credential %s with %o', (kind, env) => {
    expect(kindOf(azureRedisOptionsFromEnv(env))).toBe(kind);
  });

  it('does not show the client secret to inspect()', () => {
    const options = azureRedisOptionsFromEnv({ ...AKS, AZURE_CLIENT_SECRET: SECRET });
    expect(options.credential).toHaveProperty('clientSecret', SECRET);
    expect(inspect(options) + JSON.stringify({ ...options })).not.toContain(SECRET);
  });

  it.each<[string, string, RegExp]>([
    [
      'REDIS_HOST',
      `rediss://:${SECRET}@${HOST}`,
      /got an address with credentials; .* set REDIS_PORT/,
    ],
    ['REDIS_HOST', `${HOST}:6380`, /got a name with a port; move the port to REDIS_PORT/],
    ['REDIS_PORT', 'redis', /expected a whole number from 1 to 65535, got "redis"/],
    ['REDIS_PORT', '70000', /expected a whole number from 1 to 65535, got the number 70000/],
    ['REDIS_PORT', '6380.5', /expected a whole number from 1 to 65535, got "6380.5"/],
    ['REDIS_PORT', 'tcp://10.0.0.1:6379', /got a string of 19 characters/],
    ['REDIS_SSL', '1', /expected true or false, got "1"/],
    ['REDIS_SSL', 'yes', /expected true or false, got "yes"/],
    ['REDIS_SSL', 'on', /expected true or false, got "on"/],
    ['REDIS_USERNAME', `a ${SECRET}`, /expected the object id .* got text with white space/],
    ['REDIS_AZURE_AD_TOKEN', 'false', /got "false"; this package connects with Entra ID only/],
    ['REDIS_AZURE_AD_TOKEN', '1', /got "1"; this package connects with Entra ID only/],
    ['REDIS_AZURE_AD_TOKEN', SECRET, /got a string of \d+ characters; this package connects/],
    ['AZURE_AUTHORITY_HOST', 'http://login', /expected an https URL/],
    ['AZURE_CLIENT_CERTIFICATE_PATH', '-----BEGIN CERTIFICATE-----', /the PEM text itself/],
  ])('%s=%s is reported by its name', (name, value, problem) => {
    const ids = { AZURE_CLIENT_ID: 'client', AZURE_TENANT_ID: 'tenant' };
    const problems = problemsOf(() => azureRedisOptionsFromEnv({ ...ids, [name]: value }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: expected .+, got .+; .+`));
    expect(problems[0]).toMatch(problem);
  });

  it.each<[Environment, RegExp]>([
    [
      { AZURE_CLIENT_ID: 'client', AZURE_CLIENT_SECRET: SECRET },
      /^AZURE_TENANT_ID: expected a value, because AZURE_CLIENT_SECRET needs it, .* set AZURE_TENANT_ID/,
    ],
    [{ AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_SECRET: SECRET }, /^AZURE_CLIENT_ID: /],
    [
      { AZURE_TENANT_ID: 'tenant', AZURE_FEDERATED_TOKEN_FILE: '/token' },
      /^AZURE_CLIENT_ID: .* because AZURE_FEDERATED_TOKEN_FILE needs it/,
    ],
  ])('reports the incomplete identity of %o', (env, problem) => {
    expect(problemsOf(() => azureRedisOptionsFromEnv(env))).toEqual([
      expect.stringMatching(problem),
    ]);
  });

  it('reports every variable that is wrong at once', () => {
    const problems = problemsOf(() =>
      azureRedisOptionsFromEnv({
        REDIS_HOST: `redis://${HOST}`,
        REDIS_PORT: 'x',
        REDIS_SSL: '1',
        REDIS_USERNAME: 'a b',
        REDIS_AZURE_AD_TOKEN: 'no',
        AZURE_CLIENT_SECRET: SECRET,
        AZURE_AUTHORITY_HOST: 'x',
      }),
    );
    const names = problems.map((problem) => problem.slice(0, problem.indexOf(':')));
    expect(names.toSorted()).toEqual([
      'AZURE_AUTHORITY_HOST',
      'AZURE_CLIENT_ID',
      'AZURE_TENANT_ID',
      'REDIS_AZURE_AD_TOKEN',
      'REDIS_HOST',
      'REDIS_PORT',
      'REDIS_SSL',
      'REDIS_USERNAME',
    ]);
  });
});
