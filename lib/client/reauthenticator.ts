import { EventEmitter } from 'node:events';
import { withDeadline } from '../azure-redis.deadline.js';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import type { RedisToken } from '../token/redis-token.js';
import type { ConnectionRegistry } from './connection-registry.js';
import type { ManagedConnection } from './managed-connection.js';

/** Re-AUTHs of many connections are spread over this much time at most. */
const LONGEST_SPREAD_MS = 60_000;
const SHORTEST_RETRY_MS = 100;

interface ReauthenticatorEvents {
  reauthenticated: [{ endpoint: string; tookMs: number; expiresAt: number }];
  reauthenticationFailed: [{ endpoint: string; error: unknown; nextInMs: number }];
}

/**
 * Re-AUTH engine: gives every live connection the current token before the one it used runs
 * out, each at its own random moment.
 */
export class Reauthenticator extends EventEmitter<ReauthenticatorEvents> {
  readonly #tokens: EntraTokenManager;
  readonly #connections: ConnectionRegistry;
  readonly #deadlineMs: number;
  readonly #random: () => number;
  readonly #planned = new Map<ManagedConnection, NodeJS.Timeout>();
  readonly #onRefreshed = (): void => this.#planAll();
  #closed = false;

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
    connections.on('ready', (connection) => this.#plan(connection));
    connections.on('closed', (connection) => this.#cancel(connection));
  }

  close(): void {
    this.#closed = true;
    this.#tokens.off('refreshed', this.#onRefreshed);
    for (const connection of this.#planned.keys()) this.#cancel(connection);
  }

  #planAll(): void {
    for (const connection of this.#connections.live) this.#plan(connection);
  }

  #plan(connection: ManagedConnection): void {
    const { current } = this.#tokens;
    if (current === undefined || current === connection.token) return;
    const remaining = timeToReauthenticate(connection);
    this.#planIn(connection, this.#random() * Math.min(LONGEST_SPREAD_MS, remaining / 2));
  }

  #planIn(connection: ManagedConnection, delayMs: number): void {
    this.#cancel(connection);
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#planned.delete(connection);
      void this.#reauthenticate(connection);
    }, delayMs);
    timer.unref();
    this.#planned.set(connection, timer);
  }

  #cancel(connection: ManagedConnection): void {
    clearTimeout(this.#planned.get(connection));
    this.#planned.delete(connection);
  }

  async #reauthenticate(connection: ManagedConnection): Promise<void> {
    const { redis } = connection;
    const token = this.#tokens.current;
    // Not ready: its next handshake sends the current token. Queued offline, this AUTH would
    // run after that handshake and could put an older token in force.
    if (token === undefined || redis.status !== 'ready') return;
    if (redis.mode !== 'normal') {
      // AUTH is not allowed on a RESP2 subscriber: a new connection is the only way.
      redis.disconnect(true);
      return;
    }
    const { stream } = redis;
    const startedAt = Date.now();
    try {
      await this.#authenticate(connection, token);
    } catch (error) {
      if (redis.stream === stream && redis.status === 'ready') this.#failed(connection, error);
      return;
    }
    // ioredis resends an AUTH that was under way when its socket died: that answer says nothing
    // about the new session.
    if (redis.stream !== stream) return;
    connection.authenticatedWith(token);
    this.emit('reauthenticated', {
      endpoint: connection.endpoint,
      tookMs: Date.now() - startedAt,
      expiresAt: token.expiresAt,
    });
    this.#plan(connection);
  }

  #authenticate({ redis, endpoint }: ManagedConnection, token: RedisToken): Promise<unknown> {
    return withDeadline(
      redis.auth(token.username, token.reveal()),
      this.#deadlineMs,
      () =>
        new AzureRedisError(
          'DEADLINE_EXCEEDED',
          `Redis at ${endpoint} did not answer AUTH within ${this.#deadlineMs} ms. ` +
            'Raise "deadlines.reauthMs" if the service is slow.',
        ),
    );
  }

  /** Retries until the session's token has really expired; then Redis closes the connection. */
  #failed(connection: ManagedConnection, error: unknown): void {
    const nextInMs = Math.max(
      SHORTEST_RETRY_MS,
      (timeToReauthenticate(connection) / 4) * (0.5 + this.#random() / 2),
    );
    this.#planIn(connection, nextInMs);
    this.emit('reauthenticationFailed', { endpoint: connection.endpoint, error, nextInMs });
  }
}

/** Milliseconds until the session must have a newer token; 0 when its token is not known. */
function timeToReauthenticate({ token }: ManagedConnection): number {
  return Math.max(0, (token?.schedule.reauthenticateBy ?? 0) - Date.now());
}
