/** What went wrong, for programs. @publicApi */
export type AzureRedisErrorCode =
  /** The options are wrong; see {@link AzureRedisOptionsError.problems}. */
  | 'INVALID_OPTIONS'
  /** Entra did not issue a token: it failed or could not be reached, or no identity was found. */
  | 'TOKEN_UNAVAILABLE'
  /** Entra refuses the secret, certificate, tenant, application, identity or scope. */
  | 'CREDENTIAL_REFUSED'
  /** Entra did not answer within `deadlines.tokenMs`. */
  | 'TOKEN_TIMEOUT'
  /** The token has no `oid` claim and no username is configured. */
  | 'TOKEN_WITHOUT_USERNAME'
  /** The credential returned a token that has already expired. */
  | 'TOKEN_EXPIRED'
  /** Redis refused the identity (WRONGPASS, NOAUTH or NOPERM). */
  | 'IDENTITY_REFUSED'
  /** Redis accepted the connection and never answered HELLO/AUTH. */
  | 'HANDSHAKE_TIMEOUT'
  /** The host name does not exist. */
  | 'HOST_NOT_FOUND'
  /** Nothing accepts connections at host and port. */
  | 'CONNECTION_FAILED'
  /** The TLS handshake failed: a plain port, an untrusted or a foreign certificate. */
  | 'TLS_FAILED'
  /** The server refuses CLUSTER commands, or is a cluster and was used as one node. */
  | 'WRONG_TOPOLOGY'
  /** The command did not answer within its deadline. */
  | 'DEADLINE_EXCEEDED'
  /** The module is shutting down. */
  | 'CLOSED';

/**
 * The error of this package: says what was expected, what came and what to do next.
 * It never contains a token, a secret, a prompt or an answer.
 *
 * @publicApi
 */
export class AzureRedisError extends Error {
  override readonly name: string = 'AzureRedisError';

  constructor(
    readonly code: AzureRedisErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 * Thrown at boot with every mistake in the options, one per entry of `problems`.
 *
 * @publicApi
 */
export class AzureRedisOptionsError extends AzureRedisError {
  override readonly name = 'AzureRedisOptionsError';

  constructor(readonly problems: readonly string[]) {
    super(
      'INVALID_OPTIONS',
      `These options cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}
