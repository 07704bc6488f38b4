const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Moments are epoch milliseconds, spans are milliseconds. */
export interface TokenSchedule {
  /** When to ask Entra for the next token. */
  readonly refreshAt: number;
  /** Every connection that used this token has a newer one by then. */
  readonly reauthenticateBy: number;
  /** From then on the token opens no new connection: it could expire during the handshake. */
  readonly usableUntil: number;
  /** A connection that has nothing newer by then is closed from this side, before Redis does. */
  readonly closeBefore: number;
  /** Pause before asking again when Entra returned the token that is already known. */
  readonly pollMs: number;
  /** Upper bound of the pause between failed attempts. */
  readonly maxBackoffMs: number;
}

/**
 * All windows of one token. They are fixed for the usual lifetimes (1 h, 24 h) and shrink with
 * shorter ones, so that a test with 5 s tokens takes the same path as production.
 *
 * - 5 min ahead of expiry is the first moment at which @azure/identity fetches a new token; any
 *   earlier call returns the one it has cached, unless `refreshAfterTimestamp` says otherwise.
 * - Azure asks for the new AUTH at least 3 min ahead.
 *
 * @param lifetimeMs from issue to expiry, not what remains of it
 */
export function scheduleOf(token: {
  expiresAt: number;
  lifetimeMs: number;
  refreshAfter?: number | undefined;
}): TokenSchedule {
  const { expiresAt, lifetimeMs } = token;
  const refreshLead = Math.min(5 * MINUTE, lifetimeMs * 0.4);
  const reauthenticateLead = Math.min(3 * MINUTE, lifetimeMs * 0.2);
  return {
    refreshAt: Math.min(token.refreshAfter ?? Infinity, expiresAt - refreshLead),
    reauthenticateBy: expiresAt - reauthenticateLead,
    usableUntil: expiresAt - Math.min(30 * SECOND, lifetimeMs * 0.02),
    closeBefore: expiresAt - Math.min(2 * SECOND, lifetimeMs * 0.04),
    pollMs: Math.max(100, refreshLead / 20),
    maxBackoffMs: Math.max(SECOND, Math.min(30 * SECOND, refreshLead / 4)),
  };
}
