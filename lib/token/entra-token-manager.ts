import { EventEmitter } from 'node:events';
import type { AccessToken, TokenCredential } from '@azure/identity';
import { AzureRedisError } from '../azure-redis.errors.js';
import { explainTokenError } from './explain-token-error.js';
import { RedisToken } from './redis-token.js';

/** Longest pause between two looks at the wall clock, so that a suspended machine recovers at once. */
const HEARTBEAT_MS = 30_000;
/** Shortest pause: a due moment in the past must not become a busy loop. */
const SHORTEST_PAUSE_MS = 10;
const FIRST_BACKOFF_MS = 250;
/** Cap of the pause between attempts while no token is known whose lifetime would set it. */
const COLD_MAX_BACKOFF_MS = 10_000;
const JITTER_SHARE = 0.05;

/** Moments are epoch milliseconds. @publicApi */
export interface EntraTokenEvents {
  /** A newer token is in use. */
  refreshed: [{ expiresAt: number; tookMs: number; clockSkewMs: number }];
  /** An attempt failed; the current token stays in use until `expiresAt`. */
  refreshFailed: [
    { attempt: number; nextInMs: number; expiresAt: number | undefined; error: AzureRedisError },
  ];
}

/** @publicApi */
export interface EntraTokenManagerOptions {
  /** e.g. `https://redis.azure.com/.default` */
  scope: string;
  /** Redis user name; `undefined` takes the token's `oid` claim. */
  username?: string | undefined;
  /** Limit of one request to Entra, in milliseconds. */
  deadlineMs: number;
  /** Source of jitter in [0, 1), for tests. @default Math.random */
  random?: () => number;
}

interface Waiter {
  resolve(token: RedisToken): void;
  reject(error: AzureRedisError): void;
  timer: NodeJS.Timeout;
}

/**
 * Keeps one valid Entra token at hand. The only place that calls `getToken()`: refreshes ahead
 * of expiry, retries for ever with backoff, keeps the current token until (2 % of its lifetime,
 * at most 30 s, before) it expires and never hands out an expired one.
 *
 * @publicApi
 */
export class EntraTokenManager extends EventEmitter<EntraTokenEvents> {
  readonly #credential: TokenCredential;
  readonly #scope: string;
  readonly #username: string | undefined;
  readonly #deadlineMs: number;
  readonly #random: () => number;
  readonly #waiters = new Set<Waiter>();
  #token: RedisToken | undefined;
  #attempt: { startedAt: number; abort: AbortController; timer: NodeJS.Timeout } | undefined;
  #failures = 0;
  #lastError: AzureRedisError | undefined;
  #nextAttemptAt = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #state: 'idle' | 'running' | 'closed' = 'idle';

  constructor(credential: TokenCredential, options: EntraTokenManagerOptions) {
    super();
    // Every client of a process may listen.
    this.setMaxListeners(0);
    this.#credential = credential;
    this.#scope = options.scope;
    this.#username = options.username;
    this.#deadlineMs = options.deadlineMs;
    this.#random = options.random ?? Math.random;
  }

  /** The token to authenticate with now; `undefined` while there is none that is still good. */
  get current(): RedisToken | undefined {
    return this.#token?.isUsable() === true ? this.#token : undefined;
  }

  /** Failed attempts since the last success. */
  get consecutiveFailures(): number {
    return this.#failures;
  }

  /** Why the last attempt failed; `undefined` after a success. */
  get lastError(): AzureRedisError | undefined {
    return this.#lastError;
  }

  /** Starts refreshing; `acquire()` does it too. */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    this.#beat();
  }

  /**
   * The current token, or the next one: any number of callers wait for one request.
   *
   * @param deadlineMs how long to wait
   * @throws AzureRedisError after the deadline, with code and cause of the last failure;
   *   `CLOSED` after {@link close}
   */
  acquire(deadlineMs: number): Promise<RedisToken> {
    this.start();
    const { current } = this;
    if (current !== undefined) return Promise.resolve(current);
    if (this.#state === 'closed') return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(this.#noTokenWithin(deadlineMs));
      }, deadlineMs);
      timer.unref();
      const waiter: Waiter = { resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  /** Stops for good; a request under way is aborted and its result dropped. */
  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#heartbeat);
    this.#endAttempt()?.abort.abort();
    this.#token = undefined;
    for (const waiter of this.#takeWaiters()) waiter.reject(closedError());
  }

  #beat(): void {
    if (this.#state !== 'running') return;
    const now = Date.now();
    if (this.#attempt === undefined && now >= this.#nextAttemptAt) this.#request(now);
    const pause = Math.max(SHORTEST_PAUSE_MS, this.#nextAttemptAt - now);
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(
      () => this.#beat(),
      this.#attempt === undefined ? Math.min(HEARTBEAT_MS, pause) : HEARTBEAT_MS,
    );
    this.#heartbeat.unref();
  }

  #request(startedAt: number): void {
    const abort = new AbortController();
    // Most credentials ignore the abort signal and some hang for ever: the deadline is ours.
    const timer = setTimeout(() => {
      this.#fail(
        attempt,
        new AzureRedisError(
          'TOKEN_TIMEOUT',
          `Entra did not answer within ${this.#deadlineMs} ms. Check that this host reaches the Entra endpoint or ` +
            'the managed-identity endpoint; raise "deadlines.tokenMs" if the network is slow.',
        ),
      );
      abort.abort();
    }, this.#deadlineMs);
    timer.unref();
    const attempt = { startedAt, abort, timer };
    this.#attempt = attempt;
    this.#callCredential(abort.signal).then(
      (access) => this.#receive(attempt, access),
      (error: unknown) => this.#fail(attempt, explainTokenError(error)),
    );
  }

  async #callCredential(abortSignal: AbortSignal): Promise<AccessToken> {
    const access = await this.#credential.getToken(this.#scope, { abortSignal });
    if (access === null) {
      throw new AzureRedisError(
        'TOKEN_UNAVAILABLE',
        `Expected a token for ${this.#scope}, the credential returned null. Check the credential passed as "credential".`,
      );
    }
    return access;
  }

  /** A result that arrives after its deadline is still worth having; one after close is not. */
  #receive(attempt: { startedAt: number }, access: AccessToken): void {
    if (this.#state !== 'running') return;
    const now = Date.now();
    let token: RedisToken;
    try {
      token = RedisToken.from(access, this.#username, now);
    } catch (error) {
      this.#fail(attempt, explainTokenError(error));
      return;
    }
    // Also the one that was started because this one took too long.
    this.#endAttempt();
    this.#failures = 0;
    this.#lastError = undefined;
    if (this.#token !== undefined && !isNewer(token, this.#token)) {
      // @azure/identity hands out its cached token until 5 min before expiry, and once more
      // while it fetches the next: not an error, and not news.
      const { refreshAt: due, pollMs } = this.#token.schedule;
      this.#schedule(Math.max(due, now + pollMs * (0.5 + this.#random())));
      return;
    }
    this.#token = token;
    const { refreshAt, pollMs } = token.schedule;
    const jitter = (token.expiresAt - refreshAt) * JITTER_SHARE * this.#random();
    this.#schedule(Math.max(refreshAt + jitter, now + pollMs));
    for (const waiter of this.#takeWaiters()) waiter.resolve(token);
    const { expiresAt, clockSkewMs } = token;
    this.#announce('refreshed', { expiresAt, tookMs: now - attempt.startedAt, clockSkewMs });
  }

  #fail(attempt: { startedAt: number }, error: AzureRedisError): void {
    if (attempt !== this.#attempt || this.#state !== 'running') return;
    this.#endAttempt();
    this.#lastError = error;
    this.#failures += 1;
    const cap = this.#token?.schedule.maxBackoffMs ?? COLD_MAX_BACKOFF_MS;
    const backoff = Math.min(cap, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures, 20));
    const nextInMs = Math.max(FIRST_BACKOFF_MS / 2, Math.round(backoff * this.#random()));
    this.#schedule(Date.now() + nextInMs);
    this.#announce('refreshFailed', {
      attempt: this.#failures,
      nextInMs,
      expiresAt: this.#token?.expiresAt,
      error,
    });
  }

  #schedule(at: number): void {
    this.#nextAttemptAt = at;
    this.#beat();
  }

  #endAttempt(): { abort: AbortController } | undefined {
    const attempt = this.#attempt;
    clearTimeout(attempt?.timer);
    this.#attempt = undefined;
    return attempt;
  }

  #takeWaiters(): Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const { timer } of waiters) clearTimeout(timer);
    return waiters;
  }

  #noTokenWithin(deadlineMs: number): AzureRedisError {
    return new AzureRedisError(
      this.#lastError?.code ?? 'TOKEN_UNAVAILABLE',
      `No Entra token for Redis within ${deadlineMs} ms` +
        (this.#lastError === undefined
          ? '.'
          : `. The last attempt failed: ${this.#lastError.message}`),
      { cause: this.#lastError },
    );
  }

  /** A listener that throws is its owner's bug; it must not stop the refreshing. */
  #announce<E extends keyof EntraTokenEvents>(event: E, ...detail: EntraTokenEvents[E]): void {
    try {
      this.emit<keyof EntraTokenEvents>(event, ...detail);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}

function isNewer(token: RedisToken, than: RedisToken): boolean {
  return token.expiresAt > than.expiresAt && !token.equals(than);
}

function closedError(): AzureRedisError {
  return new AzureRedisError('CLOSED', 'The connection to Azure Redis is closed.');
}
