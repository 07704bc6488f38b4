import type { Command, Redis } from 'ioredis';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import type { RedisToken } from '../token/redis-token.js';
import { blockingMs } from './blocking-commands.js';
import { tapCommands } from './command-tap.js';
import { carriesCredentials, redactCredentials } from './redact-credentials.js';
import { WriteBatch } from './write-batch.js';

export interface ConnectionListener {
  /** The handshake is done; `connection.token` is the one it used. */
  ready(connection: ManagedConnection): void;
  /** The socket is gone; `isExpired`: because the token of its session ran out. */
  closed(connection: ManagedConnection, isExpired: boolean): void;
  /** A command is about to be written on its own: another one may be written before it. */
  beforeCommand(connection: ManagedConnection): void;
  /** A transaction has ended. */
  transactionEnded(connection: ManagedConnection): void;
}

/**
 * One ioredis instance that connects with our tokens: knows which token its present session
 * authenticated with and what the session is busy with, keeps tokens out of its errors and ends
 * a handshake that never finishes.
 */
export class ManagedConnection {
  readonly redis: Redis;
  readonly #tokens: EntraTokenManager;
  readonly #handshakeMs: number;
  readonly #ownAuths = new WeakSet<Command>();
  readonly #writes = new WriteBatch();
  #listener: ConnectionListener | undefined;
  #token: RedisToken | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  /** The socket on which MULTI was sent; a transaction ends with its socket. */
  #transaction: Redis['stream'] | undefined;
  #isSendingOwnAuth = false;
  #isClosedByUs = false;

  constructor(redis: Redis, tokens: EntraTokenManager, handshakeMs: number) {
    this.redis = redis;
    this.#tokens = tokens;
    this.#handshakeMs = handshakeMs;
  }

  /** The listeners live as long as the ioredis instance, through all its sockets. */
  watch(listener: ConnectionListener): void {
    const { redis } = this;
    this.#listener = listener;
    const tap = tapCommands(redis, {
      before: (command, isPipelined) => this.#beforeCommand(command, isPipelined),
      after: (command) => this.#afterCommand(command),
    });
    redis.on('connect', () => this.#handshakeStarted());
    redis.on('ready', () => this.#handshakeDone());
    redis.on('monitoring', () => this.#handshakeDone());
    redis.on('close', () => {
      this.#closed();
      queueMicrotask(() => tap.restore());
    });
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

  /** Whether commands can be written; ioredis's type of `status` lacks `monitoring`. */
  get isConnected(): boolean {
    const status: string = this.redis.status;
    return (status === 'ready' || status === 'monitoring') && !this.#isClosedByUs;
  }

  /** Whether the session refuses AUTH: a RESP2 subscriber or a monitor. */
  get refusesAuth(): boolean {
    return this.redis.mode !== 'normal';
  }

  /** Whether a MULTI is open on the wire, so that an AUTH would become part of it. */
  get isInTransaction(): boolean {
    return this.#transaction !== undefined && this.#transaction === this.redis.stream;
  }

  /**
   * How long the commands under way may block, in milliseconds: 0 when none does, `Infinity`
   * when one has no limit.
   */
  get blockedMs(): number {
    const { commandQueue } = this.redis;
    let sum = 0;
    for (let index = 0; index < commandQueue.length; index += 1) {
      const command = commandQueue.peekAt(index)?.command;
      if (command !== undefined) sum += blockingMs(command);
    }
    return sum;
  }

  /** Whether nothing but blocking commands is under way, so that nothing else can be lost. */
  get isOnlyBlocked(): boolean {
    const { commandQueue } = this.redis;
    for (let index = 0; index < commandQueue.length; index += 1) {
      const command = commandQueue.peekAt(index)?.command;
      if (command !== undefined && blockingMs(command) === 0) return false;
    }
    return commandQueue.length > 0;
  }

  /** Sends AUTH on the present session and no other. */
  authenticate(token: RedisToken): Promise<unknown> {
    this.#isSendingOwnAuth = true;
    try {
      return this.redis.auth(token.username, token.reveal());
    } finally {
      this.#isSendingOwnAuth = false;
    }
  }

  authenticatedWith(token: RedisToken): void {
    this.#token = token;
  }

  /** Lets replies that are under way arrive; ioredis then connects again with the current token. */
  reconnect(): void {
    if (this.#isClosedByUs) return;
    this.#isClosedByUs = true;
    this.redis.disconnect(true);
  }

  #beforeCommand(command: Command, isPipelined: boolean): boolean {
    redactCredentials(command);
    if (carriesCredentials(command) && this.#tokens.current === undefined) {
      // Only connections that ioredis makes without our gate get here (a cluster's subscriber, an
      // instance of somebody else's). Redis must not see empty credentials: the socket ends,
      // `retryStrategy` tries again. Not rejected, because that would empty the offline queue.
      this.redis.stream.destroy();
      return false;
    }
    if (this.#isSendingOwnAuth) {
      this.#ownAuths.add(command);
      return true;
    }
    if (this.#ownAuths.has(command)) {
      // ioredis resends what was under way when the socket died. The new session has a token
      // that is as new or newer, which this one must not replace.
      command.reject(new Error('The connection was replaced before AUTH was answered.'));
      return false;
    }
    // Not within a block: replies are matched by order, and the block is written later.
    if (!isPipelined) {
      this.#listener?.beforeCommand(this);
      this.#writes.join(this.redis);
    }
    return true;
  }

  #afterCommand({ name }: Command): void {
    // Offline, a command only waits in a queue; it comes by again.
    if (this.redis.status !== 'ready') return;
    switch (name.toLowerCase()) {
      case 'multi':
        this.#transaction = this.redis.stream;
        break;
      case 'exec':
      case 'discard':
      case 'reset':
        this.#transaction = undefined;
        // Later, because a pipelined transaction is still being put together.
        queueMicrotask(() => this.#listener?.transactionEnded(this));
        break;
      default:
    }
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
    const expired = !this.#isClosedByUs && this.#token?.isExpired() === true;
    this.#token = undefined;
    this.#isClosedByUs = false;
    this.#listener?.closed(this, expired);
  }
}
