import { describe, expect, it } from 'vitest';
import type { AzureCredentialOptions } from '../../../lib/options/azure-redis-options.interface.js';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import { HOST, mistakesIn, SECRET } from './problems-of.js';

const PEM =
  '-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n' +
  '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
const APP = { clientId: 'client', tenantId: 'tenant' };
const TOKEN_FILE = '/var/run/secrets/azure/tokens/azure-identity-token';

const RIGHT: [what: string, credential: AzureCredentialOptions][] = [
  ['nothing', {}],
  ['a client secret', { ...APP, clientSecret: SECRET }],
  ['a certificate file', { ...APP, certificatePath: '/run/app.pem' }],
  ['a certificate', { ...APP, certificate: PEM }],
  ['a federated token file', { ...APP, federatedTokenFile: TOKEN_FILE }],
  ['all that EnvironmentCredential may find', { ...APP, clientSecret: 'x', certificatePath: '/p' }],
  ['a client id', { clientId: 'client' }],
  ['a client id with its tenant', APP],
  ['a resource id', { resourceId: '/subscriptions/1' }],
  ['an object id', { objectId: 'object' }],
  ['a tenant', { tenantId: 'tenant' }],
  ['a sovereign cloud', { authorityHost: 'https://login.microsoftonline.us' }],
  ['options of the SDK', { sdk: { retryOptions: { maxRetries: 0 } } }],
  ['kind default with ids', { kind: 'default', ...APP }],
  ['kind managed-identity alone', { kind: 'managed-identity' }],
  ['kind managed-identity with an object id', { kind: 'managed-identity', objectId: 'object' }],
  ['kind client-secret', { kind: 'client-secret', ...APP, clientSecret: SECRET }],
  ['kind client-certificate', { kind: 'client-certificate', ...APP, certificate: PEM }],
  ['kind workload-identity alone', { kind: 'workload-identity' }],
  ['kind azure-cli with a tenant', { kind: 'azure-cli', tenantId: 'tenant' }],
];

const WRONG: [what: string, credential: unknown, ...problems: RegExp[]][] = [
  [
    'text',
    SECRET,
    /^credential: expected a TokenCredential \(.*\) or AzureCredentialOptions, got a string/,
  ],
  ['null', null, /^credential: .* got null;/],
  ['a class', class Credential {}, /^credential: .* got a function;/],
  ['a Promise', Promise.resolve(), /^credential: .* got a Promise;/],
  [
    'getToken that is no function',
    { getToken: SECRET },
    /^credential\.getToken: .* must be a function;/,
  ],
  ['an access key', { key: SECRET }, /^credential\.key: .* access keys are not supported/],
  ['a typo', { clientID: 'x' }, /^credential\.clientID: .* did you mean credential\.clientId\?/],
  [
    'a misspelt kind',
    { kind: 'manged-identity', clientSecret: SECRET },
    /^credential\.kind: .* got "manged-identity"; did you mean 'managed-identity'\?/,
  ],
  [
    'an unknown kind',
    { kind: 'password' },
    /^credential\.kind: expected 'default', .* or 'azure-cli', got "password"; leave it out/,
  ],
  [
    'an empty id',
    { clientId: '' },
    /^credential\.clientId: expected the application \(client\) id, got an empty string;/,
  ],
  ['an id that is no text', { tenantId: 5 }, /^credential\.tenantId: .* got the number 5;/],
  [
    'a secret with a line break',
    { ...APP, clientSecret: `${SECRET}\n` },
    /^credential\.clientSecret: .* white space around it; trim it/,
  ],
  [
    'sdk as text',
    { sdk: SECRET },
    /^credential\.sdk: expected the options of the @azure\/identity constructor, got a string/,
  ],
  [
    'a plain authority',
    { authorityHost: 'http://login' },
    /^credential\.authorityHost: expected an https URL .* got a http: URL;/,
  ],
  [
    'an authority without scheme',
    { authorityHost: 'login.microsoftonline.us' },
    /^credential\.authorityHost: .* got a string/,
  ],
  [
    'PEM as a path',
    { ...APP, certificatePath: PEM },
    /^credential\.certificatePath: .* got the PEM text itself; move it to credential\.certificate$/,
  ],
  [
    'a path as PEM',
    { ...APP, certificate: '/run/app.pem' },
    /^credential\.certificate: .* got text that is not PEM; a file belongs in credential\.certificatePath/,
  ],
  [
    'PEM without a key',
    { ...APP, certificate: '-----BEGIN CERTIFICATE-----' },
    /^credential\.certificate: .* got PEM without the private key;/,
  ],
  [
    'PEM without a certificate',
    { ...APP, certificate: '-----BEGIN RSA PRIVATE KEY-----' },
    /^credential\.certificate: .* got PEM without the certificate;/,
  ],

  [
    'a secret without ids',
    { clientSecret: SECRET },
    /^credential\.clientId: expected a value, because credential\.clientSecret needs it, got nothing; set credential\.clientId$/,
    /^credential\.tenantId: /,
  ],
  [
    'a secret without a tenant',
    { clientId: 'x', clientSecret: SECRET },
    /^credential\.tenantId: .* because credential\.clientSecret needs it/,
  ],
  [
    'a secret without a client id',
    { tenantId: 'x', clientSecret: SECRET },
    /^credential\.clientId: /,
  ],
  [
    'a certificate without a tenant',
    { clientId: 'x', certificatePath: '/p' },
    /^credential\.tenantId: .* because credential\.certificatePath needs it/,
  ],
  [
    'a token file without ids',
    { federatedTokenFile: TOKEN_FILE },
    /^credential\.clientId: .* because credential\.federatedTokenFile/,
    /^credential\.tenantId: /,
  ],
  [
    'two certificates',
    { ...APP, certificatePath: '/p', certificate: PEM },
    /^credential\.certificatePath: expected one certificate, got credential\.certificatePath and credential\.certificate; keep one/,
  ],
  [
    'two managed identities',
    { clientId: 'x', objectId: 'y' },
    /^credential\.clientId: expected one id of a managed identity, got credential\.clientId and credential\.objectId;/,
  ],
  [
    'a secret and a managed identity',
    { ...APP, clientSecret: SECRET, objectId: 'y' },
    /^credential\.objectId: expected no managed identity beside credential\.clientSecret/,
    /^credential\.clientId: /,
  ],

  [
    'client-secret without a secret',
    { kind: 'client-secret', ...APP },
    /^credential\.clientSecret: expected a value, because kind 'client-secret' needs it/,
  ],
  [
    'client-secret alone',
    { kind: 'client-secret' },
    /\.clientId: /,
    /\.tenantId: /,
    /\.clientSecret: /,
  ],
  [
    'client-certificate without one',
    { kind: 'client-certificate', ...APP },
    /^credential\.certificatePath: .* set credential\.certificatePath or credential\.certificate$/,
  ],
  [
    'managed-identity with a secret',
    { kind: 'managed-identity', clientId: 'x', clientSecret: SECRET },
    /^credential\.clientSecret: expected no such id with kind 'managed-identity', got one; remove it, or remove credential\.kind/,
  ],
  [
    'client-secret with a certificate',
    { kind: 'client-secret', ...APP, clientSecret: SECRET, certificatePath: '/p' },
    /^credential\.certificatePath: /,
  ],
  [
    'workload-identity with a secret',
    { kind: 'workload-identity', clientSecret: SECRET },
    /^credential\.clientSecret: /,
  ],
  ['azure-cli with a client id', { kind: 'azure-cli', clientId: 'x' }, /^credential\.clientId: /],
  ['default with an object id', { kind: 'default', objectId: 'x' }, /^credential\.objectId: /],
  [
    'default with a secret',
    { kind: 'default', ...APP, clientSecret: SECRET },
    /^credential\.clientSecret: /,
  ],
];

describe('credential options', () => {
  it.each(RIGHT)('accept %s', (_, credential) => {
    const resolved = resolveAzureRedisOptions({ host: HOST, credential });
    expect(resolved.credential).toEqual(credential);
  });

  it.each(WRONG)('refuse %s', (_, credential, ...expected) => {
    const problems = mistakesIn({ host: HOST, credential });
    expect(problems).toHaveLength(expected.length);
    for (const problem of expected) expect(problems).toContainEqual(expect.stringMatching(problem));
  });
});
