/** A token that the local Entra gave out; never its text. @publicApi */
export interface IssuedToken {
  readonly objectId: string;
  /** The resource that the token is for, e.g. `https://redis.azure.com`. */
  readonly audience: string;
  /** How the identity proved itself. */
  readonly grant: LocalGrant;
  /** Unix milliseconds. */
  readonly issuedAt: number;
  /** The token's `exp` in Unix milliseconds. */
  readonly expiresAt: number;
  /** The token's `uti` claim: different for each token. */
  readonly id: string;
}

/** @publicApi */
export type LocalGrant =
  'client-secret' | 'client-certificate' | 'federated-assertion' | 'imds' | 'app-service';

/** Claims of an Entra access token, with their wire names; times in Unix seconds. @publicApi */
export interface LocalTokenClaims {
  aud: string;
  iss: string;
  iat: number;
  nbf: number;
  exp: number;
  oid: string;
  sub: string;
  appid: string;
  tid: string;
  uti: string;
}

/** @publicApi */
export interface EntraFailure {
  /** @default 500 */
  status?: number;
  /** OAuth error code. @default 'temporarily_unavailable', 'invalid_request' below 500 */
  error?: string;
  /** How many token requests fail. @default until `recover()` */
  times?: number;
  /**
   * `Retry-After` header in seconds; 0 sends none. MSAL of @azure/identity 4.13 does not read it: after
   * a 429 or 5xx the same credential instance refuses by itself for 60 s. @default 1
   */
  retryAfterSeconds?: number;
}

/**
 * The identity provider of the local Azure: Entra, IMDS and App Service. Its settings may be
 * changed while it runs and count from the next token on. One fault at a time; a new one
 * replaces the one before.
 *
 * @publicApi
 */
export interface LocalEntra {
  /** `https://localhost:<port>`, for `authorityHost`. */
  readonly url: string;
  /** The last 1,000 tokens given out, oldest first. */
  readonly issued: readonly IssuedToken[];
  /** Token requests seen since the start, answered or not. */
  readonly requests: number;
  /** Lifetime of new tokens in milliseconds; a JWT knows whole seconds only. */
  tokenLifetimeMs: number;
  /** What `expires_in` claims instead of the truth; `undefined` tells the truth. */
  reportedLifetimeMs: number | undefined;
  /** When to refresh ahead of time (`refresh_in`), as far as clients honour it. */
  refreshInMs: number | undefined;
  /** How far the clocks of Entra and Redis are ahead of this machine's, in milliseconds. */
  clockSkewMs: number;
  /**
   * A signed token for the application, with some claims replaced, or left out when `undefined`.
   * Redis refuses it when the claims do not fit.
   */
  issue(claims?: { [Name in keyof LocalTokenClaims]?: LocalTokenClaims[Name] | undefined }): string;
  /** Token requests fail. */
  fail(options?: EntraFailure): void;
  /** Token requests fail with 429. `retryAfterSeconds` defaults to 1. */
  throttle(retryAfterSeconds?: number): void;
  /** Requests are accepted and never answered. */
  hang(): void;
  /** Open connections are destroyed, and so is each new one with its first request. */
  disconnect(): void;
  /** Ends the fault; requests that hang stay unanswered. */
  recover(): void;
}
