import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EntraTokenManager } from '../../../lib/token/entra-token-manager.js';
import { accessToken, jwt, ScriptedCredential } from '../../fixtures/scripted-credential.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DEADLINE = 10 * SECOND;

let managers: EntraTokenManager[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  process.on('unhandledRejection', onUnhandled);
});

afterEach(async () => {
  for (const manager of managers) manager.close();
  managers = [];
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

function manage(credential: ScriptedCredential, username?: string, random = () => 0.5) {
  const manager = new EntraTokenManager(credential, {
    scope: 'https://redis.azure.com/.default',
    username,
    deadlineMs: DEADLINE,
    random,
  });
  managers.push(manager);
  return manager;
}

const issuing = (lifetimeMs: number) => new ScriptedCredential(() => accessToken(lifetimeMs));
const failing = (message = 'Entra is down') =>
  new ScriptedCredential(() => {
    throw new Error(message);
  });
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('the first token', () => {
  it('is requested once for any number of callers', async () => {
    const credential = issuing(HOUR);
    const manager = manage(credential);
    const tokens = await Promise.all(Array.from({ length: 50 }, () => manager.acquire(DEADLINE)));
    expect(new Set(tokens).size).toBe(1);
    expect(credential.calls).toHaveLength(1);
  });

  it('that is slow wakes every caller when it comes', async () => {
    const credential = new ScriptedCredential(async () => {
      await new Promise((resolve) => setTimeout(resolve, 3 * SECOND));
      return accessToken(HOUR);
    });
    const manager = manage(credential);
    const waiting = Promise.all([manager.acquire(DEADLINE), manager.acquire(DEADLINE)]);
    await pass(3 * SECOND);
    await expect(waiting).resolves.toHaveLength(2);
  });

  it('that never comes rejects each caller on its own deadline, with the last failure as cause', async () => {
    const manager = manage(failing('no network here'));
    const short = manager.acquire(SECOND).catch((error: unknown) => error);
    const long = manager.acquire(5 * SECOND).catch((error: unknown) => error);
    await pass(SECOND);
    await expect(short).resolves.toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      message: expect.stringMatching(/within 1000 ms.*no network here/),
      cause: expect.objectContaining({ code: 'TOKEN_UNAVAILABLE' }),
    });
    let settled = false;
    void long.finally(() => (settled = true));
    await pass(3 * SECOND);
    expect(settled).toBe(false);
    await pass(SECOND);
    await expect(long).resolves.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
  });
});

describe('a request that hangs', () => {
  it('is given up after the deadline, aborted and repeated', async () => {
    let signal: AbortSignal | undefined;
    const credential = {
      calls: 0,
      getToken(_scope: string | string[], options?: { abortSignal?: unknown }) {
        this.calls += 1;
        if (options?.abortSignal instanceof AbortSignal) signal ??= options.abortSignal;
        return new Promise<null>(() => undefined);
      },
    };
    const manager = new EntraTokenManager(credential, {
      scope: 's/.default',
      deadlineMs: DEADLINE,
    });
    managers.push(manager);
    const failures: string[] = [];
    manager.on('refreshFailed', ({ error }) => failures.push(error.code));
    manager.start();
    await pass(DEADLINE - 1);
    expect(failures).toEqual([]);
    await pass(1);
    expect(failures).toEqual(['TOKEN_TIMEOUT']);
    expect(signal?.aborted).toBe(true);
    await pass(DEADLINE);
    expect(credential.calls).toBe(2);
  });

  it('and answers after all still gives its token', async () => {
    const credential = new ScriptedCredential(async () => {
      await new Promise((resolve) => setTimeout(resolve, DEADLINE + 100));
      return accessToken(HOUR);
    });
    const manager = manage(credential);
    const token = manager.acquire(DEADLINE + SECOND);
    await pass(DEADLINE + SECOND);
    await expect(token).resolves.toBeDefined();
  });
});

describe('refreshing', () => {
  it('comes at 5 minutes before expiry, with a little jitter, and not before', async () => {
    for (const [random, jitter] of [
      [0, 0],
      [0.999, 15 * SECOND],
    ] as const) {
      const credential = issuing(HOUR);
      const manager = manage(credential, undefined, () => random);
      await manager.acquire(DEADLINE);
      await pass(55 * MINUTE - SECOND);
      expect(credential.calls).toHaveLength(1);
      await pass(SECOND + jitter);
      expect(credential.calls).toHaveLength(2);
      manager.close();
    }
  });

  it('comes at refreshAfterTimestamp when the credential gives one', async () => {
    const credential = new ScriptedCredential(() =>
      accessToken(24 * HOUR, { refreshAfterTimestamp: Date.now() + 12 * HOUR }),
    );
    const manager = manage(credential, undefined, () => 0);
    await manager.acquire(DEADLINE);
    await pass(12 * HOUR - SECOND);
    expect(credential.calls).toHaveLength(1);
    await pass(2 * SECOND);
    expect(credential.calls).toHaveLength(2);
  });

  it('survives a machine that was suspended: the wall clock decides, within one heartbeat', async () => {
    const credential = issuing(HOUR);
    const manager = manage(credential);
    await manager.acquire(DEADLINE);
    // Timers stand still during suspend, the clock does not.
    vi.setSystemTime(Date.now() + 58 * MINUTE);
    await pass(30 * SECOND);
    expect(credential.calls).toHaveLength(2);
  });

  it('polls, without a loop, while the credential returns its cached token', async () => {
    const first = accessToken(HOUR);
    const credential = new ScriptedCredential(() => first);
    const manager = manage(credential);
    let refreshed = 0;
    manager.on('refreshed', () => (refreshed += 1));
    await manager.acquire(DEADLINE);
    await pass(55 * MINUTE);
    credential.calls.length = 0;
    await pass(2 * MINUTE);
    expect(credential.calls.length).toBeGreaterThanOrEqual(4);
    expect(credential.calls.length).toBeLessThanOrEqual(20);
    expect(refreshed).toBe(1);
    expect(manager.consecutiveFailures).toBe(0);
    credential.answer = () => accessToken(HOUR);
    await pass(30 * SECOND);
    expect(refreshed).toBe(2);
  });

  it('gets the new token on the second call after refreshAfterTimestamp', async () => {
    let current = accessToken(24 * HOUR, { refreshAfterTimestamp: Date.now() + 12 * HOUR });
    const manager = manage(
      new ScriptedCredential(() => {
        const answer = current;
        // As @azure/identity does: the old token once more, while the new one is fetched.
        if (Date.now() >= (answer.refreshAfterTimestamp ?? 0)) current = accessToken(24 * HOUR);
        return answer;
      }),
      undefined,
      () => 0,
    );
    const old = await manager.acquire(DEADLINE);
    await pass(12 * HOUR);
    expect(manager.current).toBe(old);
    await pass(MINUTE);
    expect(manager.current?.expiresAt).toBeGreaterThan(old.expiresAt + 11 * HOUR);
  });

  it('does not believe a later expiry of the very same token', async () => {
    const same = accessToken(HOUR).token;
    const manager = manage(
      new ScriptedCredential(() => ({ token: same, expiresOnTimestamp: Date.now() + HOUR })),
    );
    await manager.acquire(DEADLINE);
    await pass(HOUR + MINUTE);
    expect(manager.current).toBeUndefined();
  });

  it('does not poll early when a late answer brings the token that is in use', async () => {
    const token = accessToken(HOUR);
    let delay = DEADLINE + 100;
    const credential = new ScriptedCredential(async () => {
      const wait = delay;
      delay = 500;
      await new Promise((resolve) => setTimeout(resolve, wait));
      return token;
    });
    const manager = manage(credential);
    manager.start();
    await pass(MINUTE);
    expect(manager.current).toBeDefined();
    const calls = credential.calls.length;
    await pass(50 * MINUTE);
    expect(credential.calls).toHaveLength(calls);
  });

  it('keeps the later token when an earlier one comes back', async () => {
    const credential = issuing(HOUR);
    const manager = manage(credential);
    const good = await manager.acquire(DEADLINE);
    credential.answer = () => accessToken(MINUTE);
    await pass(56 * MINUTE);
    expect(credential.calls.length).toBeGreaterThan(1);
    expect(manager.current).toBe(good);
  });
});

describe('when Entra fails', () => {
  it('keeps the token until it expires, never hands out an expired one, and recovers after hours', async () => {
    const credential = issuing(HOUR);
    const manager = manage(credential, undefined, Math.random);
    const failures: number[] = [];
    manager.on('refreshFailed', ({ attempt }) => failures.push(attempt));
    const token = await manager.acquire(DEADLINE);
    credential.answer = failing().answer;
    await pass(59 * MINUTE);
    expect(manager.current).toBe(token);
    await pass(MINUTE);
    expect(manager.current).toBeUndefined();
    const waiting = manager.acquire(SECOND).catch((error: unknown) => error);
    await pass(SECOND);
    await expect(waiting).resolves.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });

    const before = failures.length;
    await pass(5 * HOUR);
    const perHour = (failures.length - before) / 5;
    expect(perHour).toBeGreaterThan(3_600 / 60);
    expect(perHour).toBeLessThan(3_600 / 5);
    expect(failures).toEqual(failures.map((_attempt, index) => index + 1));

    credential.answer = () => accessToken(HOUR);
    const back = manager.acquire(MINUTE);
    await pass(MINUTE);
    await expect(back).resolves.toBeDefined();
    expect(manager.consecutiveFailures).toBe(0);
    expect(manager.lastError).toBeUndefined();
  });

  it('says how often it tried, when it tries again and how long the token lasts', async () => {
    const credential = issuing(HOUR);
    const manager = manage(credential);
    const { expiresAt } = await manager.acquire(DEADLINE);
    const seen: unknown[] = [];
    manager.on('refreshFailed', (detail) => seen.push(detail));
    credential.answer = failing().answer;
    await pass(55 * MINUTE + 10 * SECOND);
    expect(seen[0]).toEqual({
      attempt: 1,
      nextInMs: expect.any(Number),
      expiresAt,
      error: expect.objectContaining({ code: 'TOKEN_UNAVAILABLE' }),
    });
  });

  it.each([
    ['null', () => null, 'TOKEN_UNAVAILABLE'],
    [
      'an opaque token',
      () => ({ token: 'x', expiresOnTimestamp: Date.now() + HOUR }),
      'TOKEN_WITHOUT_USERNAME',
    ],
    [
      'an expired token',
      () => accessToken(HOUR, { issuedAt: Date.now() - 2 * HOUR }),
      'TOKEN_EXPIRED',
    ],
    [
      'a token without oid',
      () => ({ token: jwt({}), expiresOnTimestamp: Date.now() + HOUR }),
      'TOKEN_WITHOUT_USERNAME',
    ],
  ])('takes %s as a failure and does not loop', async (_what, answer, code) => {
    const credential = new ScriptedCredential(answer);
    const manager = manage(credential, undefined, () => 0);
    manager.start();
    await pass(10 * SECOND);
    expect(manager.current).toBeUndefined();
    expect(manager.lastError?.code).toBe(code);
    // The shortest pause of full jitter, even with the lowest random number.
    expect(credential.calls.length).toBeLessThanOrEqual((10 * SECOND) / 125 + 1);
  });

  it.each([0, 0.5, 0.999])(
    'spreads its attempts with full jitter (random = %d)',
    async (random) => {
      const credential = failing();
      const manager = manage(credential, undefined, () => random);
      manager.start();
      await pass(HOUR);
      const pauses = credential.calls
        .slice(1)
        .map((at, index) => at - (credential.calls[index] ?? 0));
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(125);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(10 * SECOND);
    },
  );
});

describe('with short-lived tokens', () => {
  it('takes the same path: one request per lifetime, always a usable token', async () => {
    const credential = issuing(5 * SECOND);
    const manager = manage(credential, undefined, Math.random);
    await manager.acquire(DEADLINE);
    for (let step = 0; step < 600; step += 1) {
      await pass(100);
      expect(manager.current).toBeDefined();
    }
    // 60 s of 5 s tokens, refreshed after 3 s.
    expect(credential.calls.length).toBeLessThanOrEqual(21);
  });
});

describe('close()', () => {
  it('rejects who waits, and who comes later', async () => {
    const manager = manage(failing());
    const waiting = manager.acquire(DEADLINE).catch((error: unknown) => error);
    manager.close();
    await expect(waiting).resolves.toMatchObject({ code: 'CLOSED' });
    await expect(manager.acquire(DEADLINE)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it.each(['answers', 'fails'])(
    'drops a request under way that %s later, in silence',
    async (how) => {
      const credential = new ScriptedCredential(async () => {
        await new Promise((resolve) => setTimeout(resolve, SECOND));
        if (how === 'fails') throw new Error('too late');
        return accessToken(HOUR);
      });
      const manager = manage(credential);
      const events: string[] = [];
      manager.on('refreshed', () => events.push('refreshed'));
      manager.on('refreshFailed', () => events.push('refreshFailed'));
      manager.start();
      manager.close();
      await pass(2 * SECOND);
      expect(events).toEqual([]);
      expect(manager.current).toBeUndefined();
      expect(credential.calls).toHaveLength(1);
    },
  );
});

it('goes on when a listener throws', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const manager = manage(issuing(HOUR));
  manager.on('refreshed', () => {
    throw new Error('bug in a listener');
  });
  await expect(manager.acquire(DEADLINE)).resolves.toBeDefined();
  await vi.waitFor(() =>
    expect(warnings.map(({ message }) => message)).toContain('bug in a listener'),
  );
  process.off('warning', onWarning);
});
