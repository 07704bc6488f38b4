import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import {
  DEFAULT_CONNECTION_NAME,
  getAzureRedisConnectionToken,
  getAzureRedisStoreToken,
  getAzureRedisTokenManagerToken,
} from '../azure-redis.constants.js';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { AzureRedisConnection } from '../client/azure-redis-connection.js';
import type { AzureRedisStore } from '../store/azure-redis.store.js';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import type { AzureRedisHealthOptions } from './azure-redis-health-options.interface.js';
import { ReachCheck } from './reach.js';
import { verdictOn, type Verdict } from './verdict.js';

const DEFAULT_TIMEOUT_MS = 500;
/** Node fires a timer with a longer delay at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Tells Terminus how a connection is:
 *
 * - `up`: every master answers PING (of a cluster, all of them are asked), tokens are renewed.
 * - `degraded`: it works, and that may end: requests for a new token fail while the present one is
 *   still good, some masters of a cluster do not answer, or the cache has been without an answer or
 *   refused within the last 10 s. Answered with status 200; Terminus before 12.1 says `up`.
 * - `down`: Redis is not connected, or no master answers in time.
 *
 * `reasons` says why. A check opens no connection of its own, never hangs, and shows no host, no
 * identity, no token and no text of an error.
 *
 * @example
 * ```ts
 * @Get('ready')
 * @HealthCheck()
 * check() {
 *   return this.health.check([() => this.redis.isHealthy('redis')]);
 * }
 * ```
 * @publicApi
 */
@Injectable()
export class AzureRedisHealthIndicator {
  readonly #health: HealthIndicatorService;
  readonly #moduleRef: ModuleRef;
  readonly #reach = new ReachCheck();

  constructor(
    @Inject(HealthIndicatorService) health: HealthIndicatorService,
    @Inject(ModuleRef) moduleRef: ModuleRef,
  ) {
    this.#health = health;
    this.#moduleRef = moduleRef;
  }

  /**
   * @param key of the result
   * @throws AzureRedisError `INVALID_OPTIONS` for a name that no connection has, or a timeout that
   *   is none
   */
  async isHealthy<const Key extends string>(
    key: Key,
    {
      name = DEFAULT_CONNECTION_NAME,
      timeoutMs = DEFAULT_TIMEOUT_MS,
      degradedIsDown = false,
    }: AzureRedisHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    refuseNoTimeout(timeoutMs);
    const { connection, tokens, store } = this.#partsOf(name);
    const reach = await this.#reach.of(connection.client, timeoutMs);
    const { status } = connection;
    const verdict = verdictOn({
      status,
      reach,
      timeoutMs,
      connectionError: connection.trouble?.code,
      tokenError: tokens.lastError?.code,
      storeTrouble: store.trouble,
    });
    return this.#answer(key, degradedIsDown && verdict.state !== 'up' ? DOWN(verdict) : verdict, {
      ...(reach.answering > 0 && { pingMs: reach.pingMs }),
      ...(status.secondsToExpiry !== undefined && { secondsToExpiry: status.secondsToExpiry }),
      connections: status.managedConnections,
    });
  }

  #answer<const Key extends string>(
    key: Key,
    { state, reasons }: Verdict,
    numbers: Record<string, number>,
  ): HealthIndicatorResult<Key> {
    const session = this.#health.check(key);
    switch (state) {
      case 'up':
        return session.up(numbers);
      case 'down':
        return session.down({ reasons, ...numbers });
      case 'degraded': {
        const isKnown = 'degraded' in session;
        return isKnown
          ? session.degraded({ reasons, ...numbers })
          : this.#health.check(key).up({ reasons, ...numbers });
      }
    }
  }

  #partsOf(name: string): {
    readonly connection: AzureRedisConnection;
    readonly tokens: EntraTokenManager;
    readonly store: AzureRedisStore;
  } {
    const anywhere = { strict: false } as const;
    try {
      return {
        connection: this.#moduleRef.get(getAzureRedisConnectionToken(name), anywhere),
        tokens: this.#moduleRef.get(getAzureRedisTokenManagerToken(name), anywhere),
        store: this.#moduleRef.get(getAzureRedisStoreToken(name), anywhere),
      };
    } catch (cause) {
      throw new AzureRedisError(
        'INVALID_OPTIONS',
        `isHealthy(): Expected the name of a connection, got "${name}". ` +
          'Import AzureRedisModule with this name, or give isHealthy() the name of one that is imported.',
        { cause },
      );
    }
  }
}

const DOWN = ({ reasons }: Verdict): Verdict => ({ state: 'down', reasons });

function refuseNoTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= LONGEST_TIMEOUT_MS) return;
  throw new AzureRedisError(
    'INVALID_OPTIONS',
    `isHealthy(): Expected "timeoutMs" to be more than 0 and less than 2^31, got ${timeoutMs}.`,
  );
}
