import { AzureRedisError, type AzureRedisErrorCode } from '../azure-redis.errors.js';

interface Explanation {
  readonly code: AzureRedisErrorCode;
  readonly pattern: RegExp;
  readonly advice: string;
}

/** What the frequent failures mean; the first match explains. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    code: 'CREDENTIAL_REFUSED',
    pattern: /AADSTS7000215|AADSTS7000222/,
    advice:
      "Entra refused the client secret. Use the secret's value (not its id) and check that it has not expired.",
  },
  {
    code: 'CREDENTIAL_REFUSED',
    pattern: /AADSTS90002|AADSTS900023/,
    advice:
      'Entra does not know the tenant. Check the tenant id, and "authorityHost" for a sovereign cloud.',
  },
  {
    code: 'CREDENTIAL_REFUSED',
    pattern: /AADSTS700016|AADSTS7000229/,
    advice:
      'Entra does not know the application in this tenant. Check the client id and the tenant id.',
  },
  {
    code: 'CREDENTIAL_REFUSED',
    pattern: /AADSTS70002\d\b|AADSTS7002[13]\d*/,
    advice:
      'Entra refused the certificate or the federated token. Check that it is registered with the application.',
  },
  {
    code: 'CREDENTIAL_REFUSED',
    pattern: /AADSTS500011|AADSTS70011|invalid_scope/,
    advice: 'Entra does not know the scope. Check the option "scope".',
  },
  {
    code: 'CREDENTIAL_REFUSED',
    pattern: /Identity not found|identity_not_found|no User Assigned/i,
    advice: 'The managed identity is not assigned to this host. Assign it, or check its client id.',
  },
  {
    // The chain quotes the errors of its members, network errors among them.
    code: 'TOKEN_UNAVAILABLE',
    pattern: /DefaultAzureCredential|ChainedTokenCredential/,
    advice:
      'No identity was found. Assign a managed identity, set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or sign in with "az login".',
  },
  {
    // What the SDK makes of an unknown tenant, too: discovery is its first request.
    code: 'TOKEN_UNAVAILABLE',
    pattern: /endpoints_resolution_error/,
    advice:
      'Entra, or the tenant in it, could not be found. Check the tenant id, "authorityHost", and DNS, proxy, firewall and trusted certificates of this host.',
  },
  {
    code: 'TOKEN_UNAVAILABLE',
    pattern: /network_error|ENOTFOUND|ECONNREFUSED|ECONNRESET|Network unreachable/i,
    advice:
      'The Entra endpoint could not be reached. Check DNS, proxy, firewall and trusted certificates of this host.',
  },
];

const LONGEST_QUOTE = 300;

/** Any failure of `getToken()` as an error that says what to do; the original is its cause. */
export function explainTokenError(error: unknown): AzureRedisError {
  if (error instanceof AzureRedisError) return error;
  const { name, message } =
    error instanceof Error ? error : { name: 'Error', message: String(error) };
  const text = `${name}: ${message}`;
  const { code, advice } = EXPLANATIONS.find(({ pattern }) => pattern.test(text)) ?? {
    code: 'TOKEN_UNAVAILABLE' as const,
    advice: 'Check the identity and the network of this host.',
  };
  return new AzureRedisError(code, `${advice} (${firstLine(text)})`, { cause: error });
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}
