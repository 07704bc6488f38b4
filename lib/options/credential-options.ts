import type { TokenCredential } from '@azure/identity';
import { checkCredentialIds, type CredentialId } from './credential-ids.js';
import type {
  AzureCredentialKind,
  AzureCredentialOptions,
} from './azure-redis-options.interface.js';
import { describeValue } from './describe-value.js';
import { frozenSecretCopy } from './frozen-copy.js';
import type { OptionReader } from './option-reader.js';

/** `inspect()` and `JSON.stringify()` do not show these; `sdk` may hold a proxy's password. */
export const CREDENTIAL_SECRETS = ['clientSecret', 'certificate', 'sdk'];

const KINDS: readonly AzureCredentialKind[] = [
  'default',
  'managed-identity',
  'client-secret',
  'client-certificate',
  'workload-identity',
  'azure-cli',
];

const EXPECTED_IDS: Readonly<Record<CredentialId, string>> = {
  clientId: 'the application (client) id',
  tenantId: 'the directory (tenant) id',
  clientSecret: "the value of the application's client secret",
  certificatePath: 'the path of a PEM file with certificate and private key',
  certificate: 'the PEM text of certificate and private key',
  federatedTokenFile: 'the path of the projected service account token',
  resourceId: 'the resource id of the managed identity',
  objectId: 'the object id of the managed identity',
};

const EXPECTED_AUTHORITY = 'an https URL like https://login.microsoftonline.com';

/** Adds what is wrong with `options.credential`. */
export function checkCredential(options: OptionReader): void {
  const value = options.value('credential');
  if (isTokenCredential(value)) return;
  const credential = options.section(
    'credential',
    'a TokenCredential (an object with getToken) or AzureCredentialOptions',
    "pass e.g. new DefaultAzureCredential() or { kind: 'managed-identity' }",
  );
  if (credential === undefined) return;
  credential.rejectUnknownNames([...Object.keys(EXPECTED_IDS), 'kind', 'authorityHost', 'sdk'], {
    getToken: 'getToken must be a function; pass the TokenCredential itself',
    key: 'access keys are not supported; use an Entra identity',
    password: 'access keys are not supported; use an Entra identity',
  });
  credential.section('sdk', 'the options of the @azure/identity constructor', 'leave it out');
  checkPem(credential);
  for (const [name, expected] of Object.entries(EXPECTED_IDS)) {
    // PEM ends with a line break.
    if (name === 'certificate' && isText(credential.value(name))) continue;
    credential.text(name, expected, 'set it or leave it out');
  }
  checkAuthority(credential);
  const kind = credential.choice('kind', KINDS, 'leave it out: the ids decide');
  // A misspelt kind says nothing about the ids that belong to it.
  if (kind !== undefined || !credential.has('kind')) checkCredentialIds(credential, kind);
}

/** `{}` means DefaultAzureCredential. A TokenCredential stays the user's own object. */
export function resolveCredential(
  credential: TokenCredential | AzureCredentialOptions = {},
): TokenCredential | Readonly<AzureCredentialOptions> {
  return isTokenCredential(credential)
    ? credential
    : frozenSecretCopy(credential, CREDENTIAL_SECRETS);
}

export function isTokenCredential(value: unknown): value is TokenCredential {
  return (
    typeof value === 'object' &&
    value !== null &&
    'getToken' in value &&
    typeof value.getToken === 'function'
  );
}

function checkAuthority(credential: OptionReader): void {
  const advice = 'leave it out for the public cloud';
  const authority = credential.text('authorityHost', EXPECTED_AUTHORITY, advice);
  if (authority === undefined) return;
  const url = URL.canParse(authority) ? new URL(authority) : undefined;
  if (url?.protocol === 'https:' && url.username === '' && url.password === '') return;
  credential.problem(
    'authorityHost',
    EXPECTED_AUTHORITY,
    url === undefined ? describeValue(authority) : `a ${url.protocol} URL`,
    advice,
  );
}

/** A path and a PEM text are easily mixed up, and @azure/identity explains neither. */
function checkPem(credential: OptionReader): void {
  const path = credential.value('certificatePath');
  if (typeof path === 'string' && path.includes('-----BEGIN')) {
    credential.problem(
      'certificatePath',
      EXPECTED_IDS.certificatePath,
      'the PEM text itself',
      `move it to ${credential.nameOf('certificate')}`,
    );
  }
  const pem = credential.value('certificate');
  if (!isText(pem)) return;
  const missing = ['CERTIFICATE-----', 'PRIVATE KEY-----'].filter((part) => !pem.includes(part));
  if (missing.length === 0) return;
  credential.problem(
    'certificate',
    EXPECTED_IDS.certificate,
    missing.length === 2
      ? 'text that is not PEM'
      : `PEM without the ${missing[0] === 'CERTIFICATE-----' ? 'certificate' : 'private key'}`,
    `a file belongs in ${credential.nameOf('certificatePath')}`,
  );
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '';
