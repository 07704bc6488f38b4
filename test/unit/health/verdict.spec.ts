import { describe, expect, it } from 'vitest';
import { verdictOn, type Symptoms, type Verdict } from '../../../lib/health/verdict.js';

const FINE: Symptoms = {
  status: {
    client: 'ready',
    secondsToExpiry: 3_000,
    managedConnections: 3,
    secondsToReauthentication: 2_500,
    consecutiveFailures: 0,
  },
  reach: { isConnected: true, masters: 3, answering: 3, pingMs: 1 },
  timeoutMs: 500,
  connectionError: undefined,
  tokenError: undefined,
  storeTrouble: undefined,
};
const NOT_CONNECTED = { isConnected: false, masters: 0, answering: 0, pingMs: 0 };

describe('the verdict on a connection', () => {
  it('is up without a reason', () => {
    expect(verdictOn(FINE)).toStrictEqual({ state: 'up', reasons: [] });
  });

  it.each<[string, Partial<Symptoms>, Verdict['state'], RegExp[]]>([
    ['not connected', { reach: NOT_CONNECTED }, 'down', [/^Redis is not connected\. /]],
    [
      'not connected, and why',
      { reach: NOT_CONNECTED, connectionError: 'IDENTITY_REFUSED' },
      'down',
      [/^Redis is not connected \(IDENTITY_REFUSED\)\. /],
    ],
    [
      'no master answers',
      { reach: { ...FINE.reach, answering: 0 } },
      'down',
      [/^Redis did not answer PING within 500 ms\.$/],
    ],
    [
      'one master does not answer',
      { reach: { ...FINE.reach, answering: 2 } },
      'degraded',
      [/^1 of 3 masters did not answer PING within 500 ms\.$/],
    ],
    [
      'tokens are not renewed',
      { status: { ...FINE.status, consecutiveFailures: 4 }, tokenError: 'TOKEN_UNAVAILABLE' },
      'degraded',
      [/failed, 4 in a row \(TOKEN_UNAVAILABLE\)\. The present one expires in 3000 s\.$/],
    ],
    [
      'no token, though connections are still open',
      { status: { ...FINE.status, secondsToExpiry: undefined } },
      'degraded',
      [/^There is no valid token\. /],
    ],
    ['the cache pauses', { storeTrouble: 'unanswered' }, 'degraded', [/^Redis did not answer the/]],
    [
      'the cache is refused',
      { storeTrouble: 'refused' },
      'degraded',
      [/^Redis refuses operations/],
    ],
    [
      'everything at once: what is down comes first, and the cache is no news',
      {
        reach: NOT_CONNECTED,
        status: { ...FINE.status, secondsToExpiry: undefined, consecutiveFailures: 9 },
        storeTrouble: 'unanswered',
      },
      'down',
      [/^Redis is not connected/, /^There is no valid token/],
    ],
  ])('says: %s', (_what, symptoms, state, reasons) => {
    const verdict = verdictOn({ ...FINE, ...symptoms });
    expect(verdict.state).toBe(state);
    expect(verdict.reasons).toStrictEqual(reasons.map((reason) => expect.stringMatching(reason)));
  });
});
