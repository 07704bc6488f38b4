import { AzureRedisError, type AzureRedisErrorCode } from '../azure-redis.errors.js';

export interface ConnectionFacts {
  readonly host: string;
  readonly port: number;
  readonly topology: 'standalone' | 'cluster';
  /** User name of the last token, i.e. the object id. */
  readonly username?: string | undefined;
}

interface Explanation {
  /** Only for a client of this kind. */
  readonly topology?: 'cluster';
  readonly code: AzureRedisErrorCode;
  readonly pattern: RegExp;
  readonly advise: (facts: ConnectionFacts) => string;
}

/** A refused handshake; Redis says it to the commands that were waiting for it as well. */
export const REFUSED_IDENTITY = /WRONGPASS|NOAUTH|invalid username-password/;

/** Matched against name, code and message of the error; Azure may prefix "ERR ", so no anchors. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    code: 'IDENTITY_REFUSED',
    pattern: REFUSED_IDENTITY,
    advise: ({ host, username = 'unknown' }) =>
      `Redis at ${host} refused the identity ${username}. Assign it a data access policy on the cache ` +
      '(the object id, not the client id; Entra groups are not supported), and leave the option "username" out or set it to that object id.',
  },
  {
    code: 'IDENTITY_REFUSED',
    pattern: /NOPERM/,
    advise: ({ username = 'unknown' }) =>
      `The identity ${username} may not run this command. Assign it the data access policy "Data Contributor".`,
  },
  {
    code: 'CONNECTION_FAILED',
    pattern: /\bOOM\b/,
    advise: ({ host }) =>
      `Redis at ${host} is full. Give it an eviction policy (allkeys-lru), a larger size, or shorter TTLs.`,
  },
  {
    code: 'WRONG_TOPOLOGY',
    topology: 'cluster',
    // What the Enterprise policy says of CLUSTER SLOTS names no command.
    pattern:
      /cluster support disabled|command is not allowed|unknown (sub)?command.*cluster|CLUSTER.*not (allowed|supported)/i,
    advise: ({ host }) =>
      `Redis at ${host} does not speak the cluster protocol (Enterprise or non-clustered policy). Set "topology" to "standalone".`,
  },
  {
    code: 'WRONG_TOPOLOGY',
    pattern: /\b(MOVED|ASK) \d+ /,
    advise: ({ host }) =>
      `Redis at ${host} is a cluster (OSS policy). Set "topology" to "cluster".`,
  },
  {
    code: 'HOST_NOT_FOUND',
    pattern: /ENOTFOUND/,
    advise: ({ host }) =>
      `The host name ${host} cannot be resolved. Check the option "host", and the private DNS zone if the cache has a private endpoint.`,
  },
  {
    code: 'TLS_FAILED',
    pattern: /ERR_TLS_CERT_ALTNAME_INVALID/,
    advise: ({ host }) =>
      `The certificate of the server is not for ${host}. Connect by the DNS name of the cache, or set "tls.servername" to it.`,
  },
  {
    code: 'TLS_FAILED',
    pattern: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    advise: ({ host }) =>
      `The certificate of ${host} is not valid at this time. Compare the clock of this host with the dates of the certificate.`,
  },
  {
    code: 'TLS_FAILED',
    pattern: /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER/,
    advise: ({ host }) =>
      `The certificate of ${host} is not trusted by this host. Set "tls.ca" or NODE_EXTRA_CA_CERTS if a proxy re-signs traffic.`,
  },
  {
    code: 'TLS_FAILED',
    pattern: /WRONG_VERSION_NUMBER|wrong version number|packet length too long/i,
    advise: ({ host, port }) =>
      `${host}:${port} does not speak TLS. Use the TLS port of the cache: 10000 (Azure Managed Redis) or 6380 (Azure Cache for Redis).`,
  },
  {
    code: 'CONNECTION_FAILED',
    pattern: /before secure TLS connection/,
    advise: ({ host, port }) =>
      `${host}:${port} closed the connection during the TLS handshake: it is restarting, or does not speak TLS. ` +
      'The TLS port of the cache is 10000 (Azure Managed Redis) or 6380 (Azure Cache for Redis).',
  },
  {
    code: 'CONNECTION_FAILED',
    pattern: /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN/,
    advise: ({ host, port }) =>
      `No connection to ${host}:${port}. Check host and port, firewall rules, virtual network and private endpoint.`,
  },
];

/** Any connection error as one that says what to do; the original is its cause. */
export function explainConnectionError(error: unknown, facts: ConnectionFacts): AzureRedisError {
  const root = rootOf(error);
  if (root instanceof AzureRedisError) return root;
  const text = describe(root);
  const explanation = EXPLANATIONS.find(
    ({ pattern, topology }) =>
      pattern.test(text) && (topology === undefined || topology === facts.topology),
  );
  const advice =
    explanation?.advise(facts) ??
    (isReply(root)
      ? `Redis at ${facts.host}:${facts.port} answered with an error.`
      : `The connection to ${facts.host}:${facts.port} failed.`);
  return new AzureRedisError(explanation?.code ?? 'CONNECTION_FAILED', `${advice} (${text})`, {
    cause: root,
  });
}

/** "Failed to refresh slots cache." says nothing; the error of the last node does. */
function rootOf(error: unknown): unknown {
  return error instanceof Error && 'lastNodeError' in error && error.lastNodeError instanceof Error
    ? error.lastNodeError
    : error;
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node joins the failures of all addresses into an AggregateError without a message.
  const message = error.message === '' ? error.name : error.message;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === undefined || message.includes(code) ? message : `${code} ${message}`;
}
