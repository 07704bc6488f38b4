import { EventEmitter } from 'node:events';
import { withDeadline } from '../azure-redis.deadline.js';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import type { RedisToken } from '../token/redis-token.js';
import type { ConnectionRegistry } from './connection-registry.js';
import type { ManagedConnection } from './managed-connection.js';

/** Re-AUTHs of many connections are spread over this much time at most. */
const LONGEST_SPREAD_MS = 60_000;
/** AUTHs under way at once: Azure validates each token, which may take seconds. */
const MOST_AT_ONCE = 10;
const WAIT_FOR_TURN_MS = 50;
const SHORTEST_RETRY_MS = 100;
/** Pause after a refusal on a connection whose token, and with it its expiry, is not known. */
const BLIND_RETRY_MS = 1_000;
/** Node fires a timer with a longer delay at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Why a re-AUTH waits: an open MULTI, or a blocking command. */
export type DeferralReason = 'multi' | 'blocked';

export interface ReauthenticatorEvents {
  reauthenticated: [{ endpoint: string; tookMs: number; expiresAt: number }];
  reauthenticationFailed: [{ endpoint: string; error: unknown; nextInMs: number }];
  reauthenticationDeferred: [{ endpoint: string; reason: DeferralReason }];
}

/** What is planned for one live connection. */
interface Plan {
  /** When to act next. */
  timer?: NodeJS.Timeout;
  /** Just before its token expires. */
  lastCall?: NodeJS.Timeout;
  /** A newer token is to be sent as soon as possible. */
  isDue: boolean;
  isSending: boolean;
  deferred?: DeferralReason;
}

/**
 * Re-AUTH engine: gives every live connection the current token before the one it used runs
 * out, each at its own random moment, and never in the middle of a transaction. What cannot be
 * re-authenticated in time is connected anew, gracefully, before Redis closes it.
 */
export class Reauthenticator extends EventEmitter<ReauthenticatorEvents> {
  readonly #tokens: EntraTokenManager;
  readonly #connections: ConnectionRegistry;
  readonly #deadlineMs: number;
  readonly #random: () => number;
  readonly #plans = new Map<ManagedConnection, Plan>();
  readonly #onRefreshed = (): void => this.#planAll();
  #underWay = 0;
  #isClosed = false;

  constructor(
    tokens: EntraTokenManager,
    connections: ConnectionRegistry,
    options: { deadlineMs: number; random?: () => number },
  ) {
    super();
    this.#tokens = tokens;
    this.#connections = connections;
    this.#deadlineMs = options.deadlineMs;
    this.#random = options.random ?? Math.random;
    tokens.on('refreshed', this.#onRefreshed);
    connections.on('ready', (connection) => this.#adopt(connection));
    connections.on('closed', (connection) => this.#drop(connection));
    connections.on('beforeCommand', (connection) => this.#takeTheChance(connection));
    connections.on('transactionEnded', (connection) => this.#takeTheChance(connection));
  }

  close(): void {
    this.#isClosed = true;
    this.#tokens.off('refreshed', this.#onRefreshed);
    for (const connection of this.#plans.keys()) this.#drop(connection);
  }

  #adopt(connection: ManagedConnection): void {
    if (this.#isClosed) return;
    this.#drop(connection);
    this.#plans.set(connection, { isDue: false, isSending: false });
    this.#armLastCall(connection);
    this.#plan(connection);
  }

  #drop(connection: ManagedConnection): void {
    const plan = this.#plans.get(connection);
    clearTimeout(plan?.timer);
    clearTimeout(plan?.lastCall);
    this.#plans.delete(connection);
  }

  #planAll(): void {
    for (const connection of this.#connections.live) this.#plan(connection);
  }

  #plan(connection: ManagedConnection): void {
    if (!this.#isOutdated(connection)) return;
    const spread = Math.min(LONGEST_SPREAD_MS, timeToReauthenticate(connection) / 2);
    this.#actIn(connection, this.#random() * spread);
  }

  #isOutdated(connection: ManagedConnection): boolean {
    const { current } = this.#tokens;
    return current !== undefined && current !== connection.token;
  }

  #actIn(connection: ManagedConnection, delayMs: number): void {
    const plan = this.#plans.get(connection);
    if (plan === undefined) return;
    clearTimeout(plan.timer);
    plan.timer = setTimeout(() => {
      plan.isDue = true;
      this.#act(connection, plan);
    }, delayMs);
    plan.timer.unref();
  }

  /** Between two commands, or after a transaction, an AUTH that is due disturbs nobody. */
  #takeTheChance(connection: ManagedConnection): void {
    const plan = this.#plans.get(connection);
    if (plan?.isDue !== true || plan.isSending) return;
    if (connection.isInTransaction || connection.blockedMs > 0) return;
    this.#act(connection, plan);
  }

  #act(connection: ManagedConnection, plan: Plan): void {
    const token = this.#tokens.current;
    // Not connected: its next handshake sends the current token. Queued offline, this AUTH would
    // run after that handshake and could put an older token in force.
    if (token === undefined || plan.isSending || !connection.isConnected) return;
    if (connection.refusesAuth) {
      connection.reconnect();
      return;
    }
    if (connection.isInTransaction) {
      this.#defer(connection, plan, 'multi');
      return;
    }
    const { blockedMs } = connection;
    if (blockedMs > 0 && blockedMs >= timeToReauthenticate(connection)) {
      this.#waitForUnblocking(connection, plan);
      return;
    }
    if (this.#underWay >= MOST_AT_ONCE) {
      this.#actIn(connection, WAIT_FOR_TURN_MS * (1 + this.#random()));
      return;
    }
    void this.#send(connection, plan, token, blockedMs);
  }

  #defer(connection: ManagedConnection, plan: Plan, reason: DeferralReason): void {
    if (plan.deferred === reason) return;
    plan.deferred = reason;
    this.emit('reauthenticationDeferred', { endpoint: connection.endpoint, reason });
  }

  /**
   * The next command brings the chance. Should none come, a connection on which nothing but the
   * blocking command is under way can be replaced without a loss: ioredis blocks again.
   */
  #waitForUnblocking(connection: ManagedConnection, plan: Plan): void {
    const remaining = timeToReauthenticate(connection);
    if (remaining > 0 || !connection.isOnlyBlocked) {
      this.#defer(connection, plan, 'blocked');
      const untilExpiry = timeToExpiry(connection);
      const pause = remaining > 0 ? remaining : untilExpiry / 4;
      this.#actIn(connection, Math.max(SHORTEST_RETRY_MS, pause * (0.8 + 0.2 * this.#random())));
      return;
    }
    connection.reconnect();
  }

  async #send(
    connection: ManagedConnection,
    plan: Plan,
    token: RedisToken,
    blockedMs: number,
  ): Promise<void> {
    const { stream } = connection.redis;
    const startedAt = Date.now();
    // One that waits behind a blocking command keeps nobody busy.
    const counts = blockedMs === 0 ? 1 : 0;
    plan.isSending = true;
    this.#underWay += counts;
    try {
      const deadlineMs = this.#deadlineMs + blockedMs;
      await withDeadline(connection.authenticate(token), deadlineMs, () =>
        unanswered(connection, deadlineMs),
      );
    } catch (error) {
      this.#failed(connection, plan, stream, error);
      return;
    } finally {
      plan.isSending = false;
      this.#underWay -= counts;
    }
    // The answer may be that of an older session; it says nothing about this one.
    if (connection.redis.stream !== stream || this.#plans.get(connection) !== plan) return;
    connection.authenticatedWith(token);
    plan.isDue = false;
    delete plan.deferred;
    this.#armLastCall(connection);
    this.emit('reauthenticated', {
      endpoint: connection.endpoint,
      tookMs: Date.now() - startedAt,
      expiresAt: token.expiresAt,
    });
    this.#plan(connection);
  }

  /** A refused AUTH leaves the session as it was: there is time until its token expires. */
  #failed(
    connection: ManagedConnection,
    plan: Plan,
    stream: ManagedConnection['redis']['stream'],
    error: unknown,
  ): void {
    if (connection.redis.stream !== stream || this.#plans.get(connection) !== plan) return;
    plan.isDue = false;
    const nextInMs = Math.max(
      SHORTEST_RETRY_MS,
      Math.min(LONGEST_SPREAD_MS, timeToExpiry(connection) / 4) * (0.5 + this.#random() / 2),
      connection.token?.schedule.pollMs ?? BLIND_RETRY_MS,
    );
    this.#actIn(connection, nextInMs);
    this.emit('reauthenticationFailed', { endpoint: connection.endpoint, error, nextInMs });
  }

  /** Just before Redis would close the connection, in the middle of whatever is under way. */
  #armLastCall(connection: ManagedConnection): void {
    const plan = this.#plans.get(connection);
    const { token } = connection;
    if (plan === undefined || token === undefined) return;
    clearTimeout(plan.lastCall);
    const remaining = token.schedule.closeBefore - Date.now();
    plan.lastCall = setTimeout(
      () => {
        if (connection.token !== token || !connection.isConnected) return;
        if (remaining > LONGEST_TIMER_MS) this.#armLastCall(connection);
        else connection.reconnect();
      },
      Math.min(LONGEST_TIMER_MS, Math.max(0, remaining)),
    );
    plan.lastCall.unref();
  }
}

/** Milliseconds until the session must have a newer token; 0 when its token is not known. */
function timeToReauthenticate({ token }: ManagedConnection): number {
  return Math.max(0, (token?.schedule.reauthenticateBy ?? 0) - Date.now());
}

function timeToExpiry({ token }: ManagedConnection): number {
  return Math.max(0, (token?.expiresAt ?? 0) - Date.now());
}

function unanswered({ endpoint }: ManagedConnection, deadlineMs: number): AzureRedisError {
  return new AzureRedisError(
    'DEADLINE_EXCEEDED',
    `Redis at ${endpoint} did not answer AUTH within ${deadlineMs} ms. ` +
      'Raise "deadlines.reauthMs" if the service is slow.',
  );
}
