import type { TokenCredential } from '@azure/identity';
import type { AzureRedisError, AzureRedisErrorCode } from '../../azure-redis.errors.js';
import { selectCredentialKind } from '../../credential/credential-kind.js';
import type { AzureCredentialOptions } from '../../options/azure-redis-options.interface.js';
import { isTokenCredential } from '../../options/credential-options.js';

const PUBLIC_AUTHORITY = 'https://login.microsoftonline.com';

/** The error says what Entra means; this is what to do about it with this credential. */
export function tokenFailureAdvice(
  { code }: AzureRedisError,
  credential: TokenCredential | AzureCredentialOptions,
): readonly string[] {
  if (isTokenCredential(credential)) return [];
  const kind = selectCredentialKind(credential);
  const { authorityHost = PUBLIC_AUTHORITY } = credential;
  if (kind === 'azure-cli') return ['Sign in with az login on this host, as this user.'];
  if (kind === 'managed-identity' && isUnreachable(code)) {
    return [
      'This host offers no managed identity: turn one on for the virtual machine, app or container; ' +
        'on your own machine use az login and --credential-kind azure-cli.',
    ];
  }
  if (kind !== 'managed-identity' && kind !== 'default' && isUnreachable(code)) {
    return [`Let this host reach ${authorityHost} (HTTPS); behind a proxy set HTTPS_PROXY.`];
  }
  if (kind === 'client-secret' && code === 'CREDENTIAL_REFUSED') {
    return ['Entra admin center, App registrations, Certificates & secrets shows when it expires.'];
  }
  return [];
}

const isUnreachable = (code: AzureRedisErrorCode): boolean =>
  code === 'TOKEN_UNAVAILABLE' || code === 'TOKEN_TIMEOUT';
