import { describe, expect, it } from 'vitest';
import { scheduleOf } from '../../../lib/token/token-schedule.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const schedule = (lifetimeMs: number, refreshAfter?: number) =>
  scheduleOf({ expiresAt: lifetimeMs, lifetimeMs, refreshAfter });

describe('the windows of a token', () => {
  it('asks 5 minutes and re-authenticates 3 minutes before a 1 h token expires', () => {
    expect(schedule(HOUR)).toMatchObject({
      refreshAt: HOUR - 5 * MINUTE,
      reauthenticateBy: HOUR - 3 * MINUTE,
    });
  });

  it('asks at half of a 24 h token when the credential says so', () => {
    expect(schedule(24 * HOUR, 12 * HOUR).refreshAt).toBe(12 * HOUR);
  });

  it('does not wait for a refreshAfter that lies in the last 5 minutes', () => {
    expect(schedule(HOUR, HOUR - MINUTE).refreshAt).toBe(HOUR - 5 * MINUTE);
  });

  it.each([2 * SECOND, 5 * SECOND, MINUTE, 10 * MINUTE, HOUR, 24 * HOUR])(
    'keeps its order for a lifetime of %d ms',
    (lifetimeMs) => {
      const { refreshAt, reauthenticateBy, usableUntil, pollMs } = schedule(lifetimeMs);
      expect(refreshAt).toBeGreaterThan(lifetimeMs / 2);
      expect(reauthenticateBy).toBeGreaterThan(refreshAt);
      expect(usableUntil).toBeGreaterThan(reauthenticateBy);
      expect(usableUntil).toBeLessThan(lifetimeMs);
      // Several polls fit between the first moment and the last.
      expect(pollMs * 3).toBeLessThan(reauthenticateBy - refreshAt);
    },
  );
});
