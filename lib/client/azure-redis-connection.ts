import type { LoggerService } from '@nestjs/common';
import { AvailabilityLog } from '../azure-redis.availability-log.js';
import { withDeadline } from '../azure-redis.deadline.js';
import { AzureRedisError, type AzureRedisErrorCode } from '../azure-redis.errors.js';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import { ConnectionRegistry } from './connection-registry.js';
import { createClient, type AzureRedisClient } from './create-client.js';
import { explainConnectionError } from './explain-connection-error.js';
import { IdlePing } from './idle-ping.js';
import { Reauthenticator } from './reauthenticator.js';
import { SilenceWatchdog } from './silence-watchdog.js';

/** How long close() waits for replies that are under way. */
const QUIT_DEADLINE_MS = 2_000;

/** What the same connection would run into again and again. */
const MISTAKES: ReadonlySet<AzureRedisErrorCode> = new Set<AzureRedisErrorCode>([
  'IDENTITY_REFUSED',
  'HOST_NOT_FOUND',
  'TLS_FAILED',
  'WRONG_TOPOLOGY',
]);

/**
 * A client and everything that keeps it connected: gate, registry, re-AUTH engine, idle PING,
 * silence watchdog, and one log line per change of state.
 */
export class AzureRedisConnection {
  readonly client: AzureRedisClient;
  readonly connections: ConnectionRegistry;
  readonly reauthenticator: Reauthenticator;
  /** Where the store reports too, so that one outage is one line. */
  readonly availability: AvailabilityLog;
  readonly #options: AzureRedisOptions;
  readonly #tokens: EntraTokenManager;
  readonly #idlePing: IdlePing;
  readonly #silenceWatchdog: SilenceWatchdog;
  #lastError: unknown;

  constructor(
    options: AzureRedisOptions,
    tokens: EntraTokenManager,
    logger: Pick<LoggerService, 'log' | 'warn'>,
  ) {
    this.#options = options;
    this.#tokens = tokens;
    this.connections = new ConnectionRegistry(tokens, options.deadlines.handshakeMs);
    this.reauthenticator = new Reauthenticator(tokens, this.connections, {
      deadlineMs: options.deadlines.reauthMs,
    });
    this.#idlePing = new IdlePing(this.connections);
    this.#silenceWatchdog = new SilenceWatchdog(this.connections, options.deadlines.silenceMs);
    this.availability = new AvailabilityLog(
      logger,
      {
        up: `Connected to Azure Redis at ${options.host}:${options.port}.`,
        down: (reason) => `Azure Redis is unavailable, caching is paused. ${reason}`,
      },
      'unknown',
    );
    this.client = this.connections.manage(createClient(options, tokens));
    this.client.on('ready', () => this.availability.up());
    this.client.on('error', (error: unknown) => this.#unavailable(error));
    // A cluster reports its nodes' reasons here, and only "failed to refresh" as its own error.
    this.client.on('node error', (error: unknown) => (this.#lastError = error));
  }

  /** Connects once there is a token, and then keeps connecting by itself. */
  connect(): void {
    this.#tokens.start();
    if (this.#tokens.current === undefined) {
      // A cluster that starts without a token runs into its own slots timeout, again and again.
      this.#tokens.once('refreshed', () => this.#connect());
    } else {
      this.#connect();
    }
  }

  /**
   * Waits until the client is ready; a mistake that no retry will mend is not waited for.
   *
   * @throws AzureRedisError that says why it is not
   */
  async whenReady(deadlineMs: number): Promise<void> {
    await this.#tokens.acquire(deadlineMs);
    const { client } = this;
    if (client.status === 'ready') return;
    const ready = new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.on('error', (error: unknown) => {
        const explained = this.#explain(error);
        if (MISTAKES.has(explained.code)) reject(explained);
      });
    });
    await withDeadline(ready, deadlineMs, () => this.#whyNotReady(deadlineMs));
  }

  async close(): Promise<void> {
    this.reauthenticator.close();
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
      if (client.status === 'end') resolve();
      else client.once('end', resolve);
    });
    client.disconnect();
    // Wakes a connector that waits for a token; it then gives up.
    this.#tokens.close();
    await withDeadline(ended, QUIT_DEADLINE_MS, () => new Error('still open')).catch(
      () => undefined,
    );
  }

  #connect(): void {
    if (this.client.status !== 'wait') return;
    // The reason arrives as 'error' event; this promise only says "Connection is closed."
    this.client.connect().catch(() => undefined);
  }

  #unavailable(error: unknown): void {
    this.#lastError = error;
    this.availability.down(() => this.#explain(error).message);
  }

  #explain(error: unknown): AzureRedisError {
    const { host, port } = this.#options;
    const username = this.#tokens.current?.username;
    return explainConnectionError(error, { host, port, username });
  }

  #whyNotReady(deadlineMs: number): AzureRedisError {
    return this.#lastError === undefined
      ? new AzureRedisError(
          'CONNECTION_FAILED',
          `Azure Redis at ${this.#options.host}:${this.#options.port} was not ready within ${deadlineMs} ms. ` +
            'Check host and port, firewall rules, virtual network and private endpoint.',
        )
      : this.#explain(this.#lastError);
  }
}
