/** Share of the default lifetime that is given up at random. */
const JITTER = 0.2;

/** The default lifetime, up to 20 % shorter, so that entries do not expire all at once. */
export function withJitter(ttlMs: number, random: () => number = Math.random): number {
  return Math.max(1, Math.floor(ttlMs * (1 - JITTER * random())));
}

/** A lifetime that a route asked for, as it is. Throws a `TypeError` if it is none. */
export function explicitTtl(ttlMs: unknown): number {
  if (typeof ttlMs !== 'number' || !Number.isFinite(ttlMs) || ttlMs <= 0) {
    throw new TypeError('Expected the TTL of the route to be a positive number of milliseconds.');
  }
  return Math.ceil(ttlMs);
}
