import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigurableModuleClass } from './azure-redis.module-definition.js';
import { AzureRedisConnection } from './client/azure-redis-connection.js';

/**
 * Connects to Azure Redis with an Entra identity, and provides the client, the store and
 * `CACHE_MANAGER`.
 *
 * @example
 * ```ts
 * AzureRedisModule.forRootAsync({ useFactory: () => azureRedisOptionsFromEnv() })
 * ```
 * @publicApi
 */
@Module({})
export class AzureRedisModule extends ConfigurableModuleClass implements OnApplicationShutdown {
  readonly #connection: AzureRedisConnection;

  constructor(@Inject(AzureRedisConnection) connection: AzureRedisConnection) {
    super();
    this.#connection = connection;
  }

  /** Closes what this module opened; Nest calls it after the last request has been answered. */
  onApplicationShutdown(): Promise<void> {
    return this.#connection.close();
  }
}
