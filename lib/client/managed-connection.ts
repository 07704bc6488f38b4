import type { Redis } from 'ioredis';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import type { RedisToken } from '../token/redis-token.js';
import { redactCredentials } from './redact-credentials.js';

export interface ConnectionListener {
  /** The handshake is done; `connection.token` is the one it used. */
  ready(connection: ManagedConnection): void;
  /** The socket is gone. */
  closed(connection: ManagedConnection): void;
}

/**
 * One ioredis instance that connects with our tokens: knows which token its present session
 * authenticated with, keeps tokens out of its errors and ends a handshake that never finishes.
 */
export class ManagedConnection {
  readonly redis: Redis;
  readonly #tokens: EntraTokenManager;
  readonly #handshakeMs: number;
  #listener: ConnectionListener | undefined;
  #token: RedisToken | undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(redis: Redis, tokens: EntraTokenManager, handshakeMs: number) {
    this.redis = redis;
    this.#tokens = tokens;
    this.#handshakeMs = handshakeMs;
  }

  /** The listeners live as long as the ioredis instance, through all its sockets. */
  watch(listener: ConnectionListener): void {
    const { redis } = this;
    this.#listener = listener;
    redactCredentials(redis);
    redis.on('connect', () => this.#handshakeStarted());
    redis.on('ready', () => this.#handshakeDone());
    redis.on('close', () => this.#closed());
    // Found late, with a session of unknown age: `token` stays undefined.
    if (redis.status === 'ready') listener.ready(this);
  }

  /** The token of the present session; `undefined` when not connected or not known. */
  get token(): RedisToken | undefined {
    return this.#token;
  }

  /** `host:port`, for events and logs. */
  get endpoint(): string {
    const { host, port } = this.redis.options;
    return `${host}:${port}`;
  }

  authenticatedWith(token: RedisToken): void {
    this.#token = token;
  }

  /** ioredis has just written HELLO/AUTH, in the same tick, with the current token. */
  #handshakeStarted(): void {
    this.#token = this.#tokens.current;
    const { stream } = this.redis;
    clearTimeout(this.#watchdog);
    // ioredis itself would wait for ever: its connectTimeout ends with the TLS handshake.
    this.#watchdog = setTimeout(() => {
      stream.destroy(
        new AzureRedisError(
          'HANDSHAKE_TIMEOUT',
          `Redis at ${this.endpoint} accepted the connection and did not finish HELLO/AUTH within ${this.#handshakeMs} ms. ` +
            'Check that the port is the TLS port of the cache (10000, or 6380); raise "deadlines.handshakeMs" if the service is slow.',
        ),
      );
    }, this.#handshakeMs);
    this.#watchdog.unref();
  }

  #handshakeDone(): void {
    clearTimeout(this.#watchdog);
    this.#listener?.ready(this);
  }

  #closed(): void {
    clearTimeout(this.#watchdog);
    this.#token = undefined;
    this.#listener?.closed(this);
  }
}
