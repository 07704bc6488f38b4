import { EventEmitter } from 'node:events';
import type { LoggerService } from '@nestjs/common';
import type { Cluster, Redis } from 'ioredis';
import { AvailabilityLog } from '../azure-redis.availability-log.js';
import { publish } from '../azure-redis.channels.js';
import { withDeadline } from '../azure-redis.deadline.js';
import { AzureRedisError, type AzureRedisErrorCode } from '../azure-redis.errors.js';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import type { EntraTokenEvents, EntraTokenManager } from '../token/entra-token-manager.js';
import { ConnectionRegistry } from './connection-registry.js';
import { createClient, type AzureRedisClient } from './create-client.js';
import { explainConnectionError } from './explain-connection-error.js';
import { IdlePing } from './idle-ping.js';
import { Reauthenticator, type ReauthenticatorEvents } from './reauthenticator.js';
import { SilenceWatchdog } from './silence-watchdog.js';

/** How long the start of an application waits for Redis that need not be there. */
const START_WAIT_MS = 1_000;
/** How long close() waits for replies that are under way. */
const QUIT_DEADLINE_MS = 2_000;

/** What the same connection would run into again and again. */
const MISTAKES: ReadonlySet<AzureRedisErrorCode> = new Set<AzureRedisErrorCode>([
  'CREDENTIAL_REFUSED',
  'TOKEN_WITHOUT_USERNAME',
  'IDENTITY_REFUSED',
  'HOST_NOT_FOUND',
  'TLS_FAILED',
  'WRONG_TOPOLOGY',
]);

/**
 * What a connection tells; each is published on the diagnostics channel
 * `nestjs-azure-redis:<event>` too. Spans are milliseconds, moments epoch milliseconds.
 *
 * @publicApi
 */
export interface AzureRedisConnectionEvents extends EntraTokenEvents, ReauthenticatorEvents {
  /** Redis closed a connection because its token ran out. */
  connectionExpired: [{ endpoint: string }];
}

/** @publicApi */
export interface AzureRedisConnectionStatus {
  /** Status of the ioredis client, e.g. `ready`. */
  readonly client: string;
  /** Seconds until the current token expires; `undefined` without one. */
  readonly secondsToExpiry: number | undefined;
  /** Connections that are open and kept authenticated. */
  readonly managedConnections: number;
  /** Seconds until the first of them must have a newer token; `undefined` without any. */
  readonly secondsToReauthentication: number | undefined;
  /** Failed requests for a token since the last success. */
  readonly consecutiveFailures: number;
}

/**
 * A client and everything that keeps it connected: gate, registry, re-AUTH engine, idle PING,
 * silence watchdog, and one log line per change of state.
 *
 * @publicApi
 */
export class AzureRedisConnection extends EventEmitter<AzureRedisConnectionEvents> {
  /** Connects by itself, and is closed with the application. */
  readonly client: AzureRedisClient;
  /** @internal */
  readonly connections: ConnectionRegistry;
  /** Where the store reports too, so that one outage is one line. @internal */
  readonly availability: AvailabilityLog;
  readonly #options: AzureRedisOptions;
  readonly #tokens: EntraTokenManager;
  readonly #reauthenticator: Reauthenticator;
  readonly #idlePing: IdlePing;
  readonly #silenceWatchdog: SilenceWatchdog;
  #lastError: unknown;

  constructor(
    options: AzureRedisOptions,
    tokens: EntraTokenManager,
    logger: Pick<LoggerService, 'log' | 'warn'>,
  ) {
    super();
    this.#options = options;
    this.#tokens = tokens;
    const { deadlines, host, port } = options;
    this.connections = new ConnectionRegistry(tokens, deadlines.handshakeMs);
    this.#reauthenticator = new Reauthenticator(tokens, this.connections, {
      deadlineMs: deadlines.reauthMs,
    });
    this.#idlePing = new IdlePing(this.connections);
    this.#silenceWatchdog = new SilenceWatchdog(this.connections, deadlines.silenceMs);
    this.availability = new AvailabilityLog(logger, {
      up: `Connected to Azure Redis at ${host}:${port}.`,
      down: (reason) => `Azure Redis is unavailable, caching is paused. ${reason}`,
      initially: 'unknown',
    });
    this.client = this.connections.manage(createClient(options, tokens));
    this.client.on('ready', () => this.availability.up());
    this.client.on('error', (error: unknown) => this.#unavailable(error));
    // A cluster reports its nodes' reasons here, and only "failed to refresh" as its own error.
    this.client.on('node error', (error: unknown) => (this.#lastError = error));
    this.#relay();
  }

  /** A snapshot for health checks and metrics. */
  get status(): AzureRedisConnectionStatus {
    const now = Date.now();
    const seconds = (moment: number): number => Math.max(0, Math.round((moment - now) / 1_000));
    const live = [...this.connections.live];
    const deadlines = live.flatMap(({ token }) => token?.schedule.reauthenticateBy ?? []);
    const { current } = this.#tokens;
    return {
      client: this.client.status,
      secondsToExpiry: current === undefined ? undefined : seconds(current.expiresAt),
      managedConnections: live.length,
      secondsToReauthentication:
        deadlines.length === 0 ? undefined : seconds(Math.min(...deadlines)),
      consecutiveFailures: this.#tokens.consecutiveFailures,
    };
  }

  /** Why it is not connected, as far as that is known; `undefined` while it is. @internal */
  get trouble(): AzureRedisError | undefined {
    if (this.client.status === 'ready') return undefined;
    return this.#lastError === undefined ? this.#tokens.lastError : this.explain(this.#lastError);
  }

  /**
   * Keeps an ioredis instance that somebody else made authenticated as well: it connects with
   * the current token from its next handshake on and is re-authenticated before that runs out;
   * so are its duplicates. Who made it closes it.
   *
   * @returns the same instance
   * @throws AzureRedisError `INVALID_OPTIONS` if the token would go to another host, or in clear text
   */
  authenticate<Client extends Redis | Cluster>(client: Client): Client {
    this.#refuseToExposeToken(client);
    return this.connections.manage(client);
  }

  /**
   * Connects once there is a token, and then keeps connecting by itself. Waits a moment for it,
   * so that the first requests find a connection.
   *
   * @throws AzureRedisError with `failFast`, if it does not succeed; everything is closed then
   * @internal
   */
  async start(): Promise<void> {
    this.#tokens.start();
    if (this.#tokens.current === undefined) {
      // A cluster that starts without a token runs into its own slots timeout, again and again.
      this.#tokens.once('refreshed', () => this.#connect());
    } else {
      this.#connect();
    }
    const { failFast, deadlines } = this.#options;
    try {
      await this.whenReady(failFast ? deadlines.connectMs + deadlines.handshakeMs : START_WAIT_MS);
    } catch (error) {
      if (!failFast) return;
      // Nest calls no shutdown hook of a module that failed to start.
      await this.close();
      throw error;
    }
  }

  /**
   * Waits until the client is ready; a mistake that no retry will mend is not waited for.
   *
   * @throws AzureRedisError that says why it is not
   * @internal
   */
  async whenReady(deadlineMs: number): Promise<void> {
    const { client } = this;
    const settled = new AbortController();
    const ready = new Promise<void>((resolve, reject) => {
      const rejectMistake = (error: AzureRedisError): void => {
        if (MISTAKES.has(error.code)) reject(error);
      };
      const onReady = (): void => resolve();
      const onError = (error: unknown): void => rejectMistake(this.explain(error));
      const onTokenFailure = ({ error }: { error: AzureRedisError }): void => rejectMistake(error);
      client.on('ready', onReady).on('error', onError);
      this.#tokens.on('refreshFailed', onTokenFailure);
      settled.signal.addEventListener('abort', () => {
        client.off('ready', onReady).off('error', onError);
        this.#tokens.off('refreshFailed', onTokenFailure);
      });
      if (client.status === 'ready') resolve();
    });
    try {
      await withDeadline(ready, deadlineMs, () => this.#whyNotReady(deadlineMs));
    } finally {
      settled.abort();
    }
    await this.#checkTopology();
  }

  /** @internal */
  async close(): Promise<void> {
    this.availability.close();
    this.#reauthenticator.close();
    this.#idlePing.close();
    this.#silenceWatchdog.close();
    const { client } = this;
    if (client.status === 'ready') {
      // Replies under way get their time; a server that is gone does not hold up the shutdown.
      await withDeadline(client.quit(), QUIT_DEADLINE_MS, () => new Error('QUIT timed out')).catch(
        () => undefined,
      );
    }
    const ended = new Promise<void>((resolve) => {
      // ioredis tells no end of a client that waits for its next attempt.
      if (client.status === 'end' || client.status === 'reconnecting') resolve();
      else client.once('end', resolve);
    });
    client.disconnect();
    // Wakes a connector that waits for a token; it then gives up.
    this.#tokens.close();
    await withDeadline(ended, QUIT_DEADLINE_MS, () => new Error('still open')).catch(
      () => undefined,
    );
  }

  /** A cluster accepts a plain client and then sends two of three keys elsewhere. */
  async #checkTopology(): Promise<void> {
    if (this.#options.topology === 'cluster' || this.client.isCluster) return;
    const info = await this.client.info('cluster').catch(() => '');
    if (/cluster_enabled:1/.test(info)) throw this.explain(new Error('MOVED 0 to other nodes'));
  }

  #connect(): void {
    if (this.client.status !== 'wait') return;
    // The reason arrives as 'error' event; this promise only says "Connection is closed."
    this.client.connect().catch(() => undefined);
  }

  #relay(): void {
    this.#tokens.on('refreshed', (detail) => this.#tell('refreshed', detail));
    this.#tokens.on('refreshFailed', (detail) => this.#tell('refreshFailed', detail));
    const engine = this.#reauthenticator;
    engine.on('reauthenticated', (detail) => this.#tell('reauthenticated', detail));
    engine.on('reauthenticationFailed', (detail) => this.#tell('reauthenticationFailed', detail));
    engine.on('reauthenticationDeferred', (detail) =>
      this.#tell('reauthenticationDeferred', detail),
    );
    this.connections.on('closed', ({ endpoint }, isExpired) => {
      if (isExpired) this.#tell('connectionExpired', { endpoint });
    });
  }

  #tell<E extends keyof AzureRedisConnectionEvents>(
    event: E,
    ...detail: AzureRedisConnectionEvents[E]
  ): void {
    publish(event, detail[0]);
    this.emit<keyof AzureRedisConnectionEvents>(event, ...detail);
  }

  #unavailable(error: unknown): void {
    this.#lastError = error;
    this.availability.down(() => this.explain(error).message);
  }

  /** What went wrong and what to do, in terms of this connection's options. @internal */
  explain(error: unknown): AzureRedisError {
    const { host, port, topology } = this.#options;
    const username = this.#tokens.current?.username;
    return explainConnectionError(error, { host, port, topology, username });
  }

  #whyNotReady(deadlineMs: number): AzureRedisError {
    if (this.#lastError !== undefined) return this.explain(this.#lastError);
    return (
      this.#tokens.lastError ??
      new AzureRedisError(
        'CONNECTION_FAILED',
        `Azure Redis at ${this.#options.host}:${this.#options.port} was not ready within ${deadlineMs} ms. ` +
          'Check host and port, firewall rules, virtual network and private endpoint.',
      )
    );
  }

  #refuseToExposeToken(client: Redis | Cluster): void {
    const { host, tls } = this.#options;
    const refuse = (problem: string, advice: string): never => {
      throw new AzureRedisError('INVALID_OPTIONS', `authenticate(): ${problem}; ${advice}.`);
    };
    if (tls !== false && !usesTls(client)) {
      refuse(
        'expected a client with TLS, got one that would send the token in clear text',
        'give it the option tls: { servername }',
      );
    }
    if ('host' in client.options && client.options.host !== host) {
      refuse(
        `expected a client of ${host}, got one of ${client.options.host}`,
        'use a connection of its own (name) for another cache',
      );
    }
  }
}

function usesTls({ options }: Redis | Cluster): boolean {
  const node = 'redisOptions' in options ? options.redisOptions : options;
  return node !== undefined && 'tls' in node && node.tls !== undefined;
}
