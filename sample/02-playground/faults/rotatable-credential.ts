import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';

/** Share of its lifetime after which a token is renewed without being told. */
const RENEWAL_SHARE = 0.6;

/**
 * Gives out the token it has until that is due, or until it is told to rotate. It always asks to be
 * asked again soon, which is how a rotation reaches the token manager within seconds.
 */
export class RotatableCredential implements TokenCredential {
  readonly #credential: TokenCredential;
  #token: AccessToken | undefined;
  #renewAt = 0;

  constructor(credential: TokenCredential) {
    this.#credential = credential;
  }

  async getToken(
    scopes: string | string[],
    options?: GetTokenOptions,
  ): Promise<AccessToken | null> {
    const askedAt = Date.now();
    if (this.#token !== undefined && askedAt < this.#renewAt) return this.#token;
    const token = await this.#credential.getToken(scopes, options);
    if (token === null) return null;
    this.#renewAt = askedAt + (token.expiresOnTimestamp - askedAt) * RENEWAL_SHARE;
    this.#token = { ...token, refreshAfterTimestamp: askedAt };
    return this.#token;
  }

  rotate(): void {
    this.#renewAt = 0;
  }
}
