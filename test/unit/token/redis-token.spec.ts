import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { RedisToken } from '../../../lib/token/redis-token.js';
import { accessToken, jwt, OBJECT_ID } from '../../fixtures/scripted-credential.js';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const token = (access: { token: string; expiresOnTimestamp: number }, username?: string) =>
  RedisToken.from(access, username, NOW);

/** A token issued at and expiring at these offsets from now; the SDK's view may differ. */
const claims = (issued: number, expires: number, sdkExpires = expires) => ({
  token: jwt({ oid: OBJECT_ID, iat: (NOW + issued) / 1_000, exp: (NOW + expires) / 1_000 }),
  expiresOnTimestamp: NOW + sdkExpires,
});

describe('the user name', () => {
  it('is the oid claim', () => {
    expect(token(claims(0, HOUR)).username).toBe(OBJECT_ID);
  });

  it('is the configured one when there is one, even with an opaque token', () => {
    expect(token(claims(0, HOUR), 'someone').username).toBe('someone');
    expect(token({ token: 'opaque', expiresOnTimestamp: NOW + HOUR }, 'someone').username).toBe(
      'someone',
    );
  });

  it.each([
    ['an opaque token', 'opaque'],
    ['a token without one', jwt({ sub: 'x', appid: 'y' })],
    ['an opaque token', 'a.b.c'],
    ['a token without one', jwt({ oid: '' })],
  ])('is missed clearly in %s', (what, text) => {
    expect(() => token({ token: text, expiresOnTimestamp: NOW + HOUR })).toThrowError(
      expect.objectContaining({
        code: 'TOKEN_WITHOUT_USERNAME',
        message: expect.stringMatching(new RegExp(`${what}.*"username"`)),
      }),
    );
  });
});

describe('the expiry', () => {
  it.each([
    ['what both say', claims(0, HOUR), HOUR, 0],
    ['the token when the SDK lies', claims(0, 5 * MINUTE, HOUR), 5 * MINUTE, 55 * MINUTE],
    ['the SDK when it is earlier', claims(0, HOUR, 50 * MINUTE), 50 * MINUTE, -10 * MINUTE],
    [
      'the SDK when this clock runs ahead',
      claims(-10 * MINUTE, 50 * MINUTE, HOUR),
      HOUR,
      10 * MINUTE,
    ],
    [
      'the SDK when this clock runs behind',
      claims(10 * MINUTE, 70 * MINUTE, HOUR),
      HOUR,
      -10 * MINUTE,
    ],
    ['the token when it came late from a cache', claims(-30 * MINUTE, 30 * MINUTE), 30 * MINUTE, 0],
  ])('is %s', (_what, access, expires, skew) => {
    const { expiresAt, clockSkewMs } = token(access);
    expect(expiresAt).toBe(NOW + expires);
    expect(clockSkewMs).toBe(skew);
  });

  it('in the past is refused, with the number of seconds', () => {
    expect(() => token(claims(-HOUR, -MINUTE))).toThrowError(
      expect.objectContaining({
        code: 'TOKEN_EXPIRED',
        message: expect.stringMatching(/60 s ago/),
      }),
    );
  });

  it('comes with windows that follow from the whole lifetime, not from what remains', () => {
    const late = token(claims(-56 * MINUTE, 4 * MINUTE));
    expect(late.schedule.reauthenticateBy).toBe(NOW + MINUTE);
    expect(late.schedule.refreshAt).toBe(NOW - MINUTE);
  });
});

it('shows its secret to reveal() and to nobody else', () => {
  const access = accessToken(HOUR, { issuedAt: NOW });
  const made = token(access);
  expect(made.reveal()).toBe(access.token);
  const shown = inspect(made, { depth: 10, showHidden: true }) + JSON.stringify(made);
  expect(shown).not.toContain(access.token.split('.')[1]);
});
