/** The claims of an Entra access token that matter to Redis; moments are epoch milliseconds. */
export interface TokenClaims {
  /** Object id of the identity: the Redis user name. */
  readonly objectId: string | undefined;
  readonly issuedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

/**
 * Reads the claims without verifying the signature: Redis is the one who judges the token, this
 * side only needs to know whom it names and how long it lasts. Opaque tokens have no claims.
 */
export function readTokenClaims(token: string): TokenClaims | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof claims !== 'object' || claims === null) return undefined;
  const { oid, iat, exp }: { oid?: unknown; iat?: unknown; exp?: unknown } = claims;
  return {
    objectId: typeof oid === 'string' && oid !== '' ? oid : undefined,
    issuedAt: typeof iat === 'number' ? iat * 1_000 : undefined,
    expiresAt: typeof exp === 'number' ? exp * 1_000 : undefined,
  };
}
