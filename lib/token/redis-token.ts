import type { AccessToken } from '@azure/identity';
import { AzureRedisError } from '../azure-redis.errors.js';
import { readTokenClaims, type TokenClaims } from './token-claims.js';
import { scheduleOf, type TokenSchedule } from './token-schedule.js';

/** Clocks that differ by more than this are worth a warning. */
const CLOCK_TOLERANCE_MS = 60_000;
/** Moments in tokens are whole seconds. */
const EXPIRY_TOLERANCE_MS = 500;
const BACKDATED_MS = 5 * 60_000;

/**
 * A token as Redis needs it: user name, secret and moments (epoch milliseconds). The secret is
 * in no property, so neither `inspect()` nor JSON shows it.
 *
 * @publicApi
 */
export class RedisToken {
  readonly #secret: string;

  private constructor(
    secret: string,
    /** Object id of the identity, or the configured username. */
    readonly username: string,
    /** When Redis closes a connection that authenticated with this token. */
    readonly expiresAt: number,
    /** When to refresh, re-authenticate and stop using it. */
    readonly schedule: TokenSchedule,
    /** How far this machine's clock is from Entra's, as far as the token shows it; else 0. */
    readonly clockSkewMs: number,
  ) {
    this.#secret = secret;
  }

  /**
   * @throws AzureRedisError `TOKEN_WITHOUT_USERNAME` or `TOKEN_EXPIRED`
   */
  static from(
    access: AccessToken,
    configuredUsername: string | undefined,
    now: number,
  ): RedisToken {
    const claims = readTokenClaims(access.token);
    const username = configuredUsername ?? claims?.objectId;
    if (username === undefined) {
      throw new AzureRedisError(
        'TOKEN_WITHOUT_USERNAME',
        `Expected an Entra token with an "oid" claim, got ${claims === undefined ? 'an opaque token' : 'a token without one'}. ` +
          'Set the option "username" to the object id of the identity (not its client id).',
      );
    }
    if (!Number.isFinite(access.expiresOnTimestamp)) {
      throw new AzureRedisError(
        'TOKEN_UNAVAILABLE',
        `Expected the credential to return expiresOnTimestamp in epoch milliseconds, got ${typeof access.expiresOnTimestamp}. ` +
          'Check the credential passed as "credential".',
      );
    }
    const expiresAt = trueExpiry(access.expiresOnTimestamp, claims, now);
    if (expiresAt <= now) {
      throw new AzureRedisError(
        'TOKEN_EXPIRED',
        `The credential returned a token that expired ${Math.round((now - expiresAt) / 1_000)} s ago. ` +
          'Check the clock of this machine, and the cache of the credential if it has one.',
      );
    }
    const lifetimeMs = lifetimeOf(claims) ?? expiresAt - now;
    const refreshAfter = access.refreshAfterTimestamp;
    return new RedisToken(
      access.token,
      username,
      expiresAt,
      scheduleOf({ expiresAt, lifetimeMs, refreshAfter }),
      clockSkew(access.expiresOnTimestamp, claims, now),
    );
  }

  /** The access token itself. Never log it. */
  reveal(): string {
    return this.#secret;
  }

  /** Whether it is the very same token, whatever expiry came with it. */
  equals(other: RedisToken): boolean {
    return this.#secret === other.#secret;
  }

  /** Whether Redis has closed, or is about to close, what authenticated with it. */
  isExpired(now = Date.now()): boolean {
    return now >= this.expiresAt - EXPIRY_TOLERANCE_MS;
  }

  /** Until shortly before its expiry. */
  isUsable(now = Date.now()): boolean {
    return now < this.schedule.usableUntil;
  }
}

/**
 * The earlier of what the SDK says and what the token says. One exception: a service
 * principal's SDK expiry is counted on this machine's clock, so on a machine whose clock runs
 * ahead it is rightly later than the token's by as much as the token looks old (and Entra dates
 * tokens up to 5 min back).
 */
function trueExpiry(sdkExpiry: number, claims: TokenClaims | undefined, now: number): number {
  if (claims?.expiresAt === undefined) return sdkExpiry;
  const later = sdkExpiry - claims.expiresAt;
  const looksOldBy = now - (claims.issuedAt ?? now);
  const clockRunsAhead =
    later > CLOCK_TOLERANCE_MS &&
    looksOldBy >= later - CLOCK_TOLERANCE_MS &&
    looksOldBy <= later + BACKDATED_MS + CLOCK_TOLERANCE_MS;
  return clockRunsAhead ? sdkExpiry : Math.min(sdkExpiry, claims.expiresAt);
}

/** By one clock, Entra's; what remains on this one may be hours less. */
function lifetimeOf(claims: TokenClaims | undefined): number | undefined {
  if (claims?.expiresAt === undefined || claims.issuedAt === undefined) return undefined;
  return claims.expiresAt - claims.issuedAt;
}

function clockSkew(sdkExpiry: number, claims: TokenClaims | undefined, now: number): number {
  const fromExpiry = claims?.expiresAt === undefined ? 0 : sdkExpiry - claims.expiresAt;
  const fromIssue = Math.min(0, now - (claims?.issuedAt ?? now));
  const skew = Math.abs(fromExpiry) > Math.abs(fromIssue) ? fromExpiry : fromIssue;
  return Math.abs(skew) > CLOCK_TOLERANCE_MS ? skew : 0;
}
