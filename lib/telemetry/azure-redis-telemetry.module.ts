import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { DEFAULT_CONNECTION_NAME, getAzureRedisConnectionToken } from '../azure-redis.constants.js';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { AzureRedisConnection } from '../client/azure-redis-connection.js';
import type { AzureRedisTelemetryOptions } from './azure-redis-telemetry-options.interface.js';
import { instrumentAzureRedis } from './instrument-azure-redis.js';

const TELEMETRY_OPTIONS = Symbol('AzureRedisTelemetryOptions');

/**
 * Measures and traces with OpenTelemetry what this package does, from the start of the application
 * to its end. Import it once in a process, beside `AzureRedisModule`; the SDK must be there before.
 *
 * - Metrics: `db.client.operation.duration`, `db.client.connection.count`, and under
 *   `nestjs_azure_redis.` those of tokens, re-authentications and the LLM cache.
 * - Spans: `llm_cache <result>` for each look-up, linked to the trace of the call whose answer it
 *   gives. Answers that were recorded without this module have no such link.
 *
 * No attribute has a key, a prompt, an answer, a caller, a host or a token.
 *
 * @example
 * ```ts
 * imports: [AzureRedisModule.forRoot(options), AzureRedisTelemetryModule.forRoot()]
 * ```
 * @see https://opentelemetry.io/docs/specs/semconv/db/database-metrics/
 * @publicApi
 */
@Module({})
export class AzureRedisTelemetryModule implements OnModuleInit, OnApplicationShutdown {
  readonly #options: AzureRedisTelemetryOptions;
  readonly #moduleRef: ModuleRef;
  #end: (() => void) | undefined;

  constructor(
    @Inject(TELEMETRY_OPTIONS) options: AzureRedisTelemetryOptions,
    @Inject(ModuleRef) moduleRef: ModuleRef,
  ) {
    this.#options = options;
    this.#moduleRef = moduleRef;
  }

  /** @throws AzureRedisError `INVALID_OPTIONS` at boot, for a name that no connection has */
  static forRoot(options: AzureRedisTelemetryOptions = {}): DynamicModule {
    return {
      module: AzureRedisTelemetryModule,
      providers: [{ provide: TELEMETRY_OPTIONS, useValue: options }],
    };
  }

  /** Not before: an application that fails to build its providers leaves nothing behind. */
  onModuleInit(): void {
    const {
      connections: names = [DEFAULT_CONNECTION_NAME],
      meterProvider,
      tracerProvider,
    } = this.#options;
    const connections = new Map(names.map((name) => [name, this.#connectionOf(name)]));
    this.#end = instrumentAzureRedis({ connections, meterProvider, tracerProvider });
  }

  /** Nest calls it after the last request has been answered. */
  onApplicationShutdown(): void {
    this.#end?.();
  }

  #connectionOf(name: string): AzureRedisConnection {
    try {
      return this.#moduleRef.get(getAzureRedisConnectionToken(name), { strict: false });
    } catch (cause) {
      throw new AzureRedisError(
        'INVALID_OPTIONS',
        `AzureRedisTelemetryModule: Expected the name of a connection in "connections", got "${name}". ` +
          'Import AzureRedisModule with this name, or name one that is imported.',
        { cause },
      );
    }
  }
}
