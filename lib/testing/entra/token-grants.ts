import type { Principal } from './directory.js';
import type { EntraReply } from './entra-exchange.js';
import type { IssuedToken, LocalGrant } from './local-entra.interface.js';
import type { TokenIssuer } from './token-issuer.js';

const MAX_REMEMBERED_TOKENS = 1_000;

/** Gives out tokens, remembers that it did, and words the two answers that carry them. */
export class TokenGrants {
  reportedLifetimeMs: number | undefined;
  refreshInMs: number | undefined;
  readonly issued: IssuedToken[] = [];
  readonly #issuer: TokenIssuer;

  constructor(issuer: TokenIssuer) {
    this.#issuer = issuer;
  }

  toApplication(principal: Principal, audience: string, grant: LocalGrant): EntraReply {
    const { token } = this.#give(principal, audience, grant);
    const lifetime = seconds(this.reportedLifetimeMs ?? this.#issuer.tokenLifetimeMs);
    return {
      status: 200,
      body: {
        token_type: 'Bearer',
        expires_in: lifetime,
        ext_expires_in: lifetime,
        ...(this.refreshInMs === undefined ? {} : { refresh_in: seconds(this.refreshInMs) }),
        access_token: token,
      },
    };
  }

  /** Managed identity endpoints say when the token expires, in text, not how long it lives. */
  toManagedIdentity(principal: Principal, audience: string, grant: LocalGrant): EntraReply {
    const { token, exp } = this.#give(principal, audience, grant);
    const expiresOn =
      this.reportedLifetimeMs === undefined
        ? exp
        : seconds(this.#issuer.now() + this.reportedLifetimeMs);
    return {
      status: 200,
      body: {
        access_token: token,
        client_id: principal.clientId,
        expires_on: String(expiresOn),
        resource: audience,
        token_type: 'Bearer',
      },
    };
  }

  #give(
    principal: Principal,
    audience: string,
    grant: LocalGrant,
  ): { readonly token: string; readonly exp: number } {
    const claims = this.#issuer.claimsFor(principal, audience);
    this.issued.push({
      objectId: principal.objectId,
      audience,
      grant,
      issuedAt: this.#issuer.now(),
      expiresAt: claims.exp * 1000,
      id: claims.uti,
    });
    if (this.issued.length > MAX_REMEMBERED_TOKENS) this.issued.shift();
    return { token: this.#issuer.sign(claims), exp: claims.exp };
  }
}

const seconds = (ms: number): number => Math.floor(ms / 1000);
