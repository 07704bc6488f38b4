import type {
  AccessToken,
  AuthorityValidationOptions,
  GetTokenOptions,
  TokenCredential,
  TokenCredentialOptions,
} from '@azure/identity';
import type {
  AzureCredentialKind,
  AzureCredentialOptions,
} from '../options/azure-redis-options.interface.js';
import { isTokenCredential } from '../options/credential-options.js';
import { selectCredentialKind } from './credential-kind.js';

/**
 * The Entra identity that the options describe; a `TokenCredential` of the user's is returned
 * as it is.
 *
 * `@azure/identity` is loaded with the first `getToken()`, so that importing this package stays
 * cheap and an application with its own credential never pays for it.
 */
export function createAzureCredential(
  options: TokenCredential | AzureCredentialOptions,
): TokenCredential {
  return isTokenCredential(options) ? options : new LazyAzureCredential(options);
}

class LazyAzureCredential implements TokenCredential {
  readonly kind: AzureCredentialKind;
  readonly #options: AzureCredentialOptions;
  #credential: Promise<TokenCredential> | undefined;

  constructor(options: AzureCredentialOptions) {
    this.kind = selectCredentialKind(options);
    this.#options = options;
  }

  async getToken(
    scopes: string | string[],
    options?: GetTokenOptions,
  ): Promise<AccessToken | null> {
    const current = (this.#credential ??= constructCredential(this.kind, this.#options));
    try {
      return await (await current).getToken(scopes, options);
    } catch (error) {
      // The next call gets a new instance: a certificate may be mounted by then, and an instance
      // that was answered with 5xx refuses by itself for 60 s, whatever Retry-After said. After
      // a 429 that is only right.
      if (!isThrottled(error) && this.#credential === current) this.#credential = undefined;
      throw error;
    }
  }
}

function isThrottled(error: unknown): boolean {
  return error instanceof Error && /AADSTS90055|too many requests|\b429\b/i.test(error.message);
}

type SdkOptions = TokenCredentialOptions & AuthorityValidationOptions;

async function constructCredential(
  kind: AzureCredentialKind,
  options: AzureCredentialOptions,
): Promise<TokenCredential> {
  const identity = await import('@azure/identity');
  const { clientId = '', tenantId = '', clientSecret = '' } = options;
  const sdk: SdkOptions = {
    ...options.sdk,
    ...(options.authorityHost !== undefined && { authorityHost: options.authorityHost }),
  };
  switch (kind) {
    case 'client-secret':
      return new identity.ClientSecretCredential(tenantId, clientId, clientSecret, sdk);
    case 'client-certificate':
      return options.certificate === undefined
        ? new identity.ClientCertificateCredential(
            tenantId,
            clientId,
            { certificatePath: options.certificatePath ?? '' },
            sdk,
          )
        : new identity.ClientCertificateCredential(
            tenantId,
            clientId,
            { certificate: options.certificate },
            sdk,
          );
    case 'workload-identity':
      return new identity.WorkloadIdentityCredential({
        ...sdk,
        ...pick(options, 'clientId', 'tenantId'),
        ...(options.federatedTokenFile !== undefined && {
          tokenFilePath: options.federatedTokenFile,
        }),
      });
    case 'managed-identity':
      return managedIdentity(identity, options, sdk);
    case 'azure-cli':
      return new identity.AzureCliCredential({ ...sdk, ...pick(options, 'tenantId') });
    default:
      return new identity.DefaultAzureCredential({
        ...sdk,
        ...pick(options, 'tenantId'),
        ...(options.clientId !== undefined && { managedIdentityClientId: options.clientId }),
      });
  }
}

function managedIdentity(
  identity: typeof import('@azure/identity'),
  { clientId, resourceId, objectId }: AzureCredentialOptions,
  sdk: SdkOptions,
): TokenCredential {
  if (resourceId !== undefined) {
    return new identity.ManagedIdentityCredential({ ...sdk, resourceId });
  }
  if (objectId !== undefined) {
    return new identity.ManagedIdentityCredential({ ...sdk, objectId });
  }
  return new identity.ManagedIdentityCredential({
    ...sdk,
    ...(clientId !== undefined && { clientId }),
  });
}

/** The named properties that are set; the SDK distinguishes "absent" from `undefined`. */
function pick<const K extends 'clientId' | 'tenantId'>(
  options: AzureCredentialOptions,
  ...names: K[]
): { [P in K]?: string } {
  const picked: { [P in K]?: string } = {};
  for (const name of names) {
    const value = options[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
