import type { AccessToken, TokenCredential } from '@azure/identity';

const HOUR_MS = 3_600_000;

/** Issues unsigned tokens, which the Redis of the bench takes for its user. */
export class BenchCredential implements TokenCredential {
  readonly #objectId: string;
  readonly #rotationMs: number | undefined;

  /** @param rotationMs when to ask for the next token; never without it */
  constructor(objectId: string, rotationMs: number | undefined) {
    this.#objectId = objectId;
    this.#rotationMs = rotationMs;
  }

  async getToken(): Promise<AccessToken> {
    const now = Date.now();
    // The package re-authenticates between the refresh and four fifths of the life of a token.
    const expiresOnTimestamp =
      now + (this.#rotationMs === undefined ? HOUR_MS : this.#rotationMs * 2);
    const claims = { oid: this.#objectId, iat: now / 1_000, exp: expiresOnTimestamp / 1_000 };
    return {
      token: `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`,
      expiresOnTimestamp,
      ...(this.#rotationMs !== undefined && { refreshAfterTimestamp: now + this.#rotationMs }),
    };
  }
}
