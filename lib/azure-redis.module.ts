import { Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ConfigurableModuleClass } from './azure-redis.module-definition.js';
import { MODULE_CONNECTION } from './azure-redis.providers.js';
import type { AzureRedisConnection } from './client/azure-redis-connection.js';

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
export class AzureRedisModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationShutdown
{
  readonly #connection: AzureRedisConnection;

  constructor(@Inject(MODULE_CONNECTION) connection: AzureRedisConnection) {
    super();
    this.#connection = connection;
  }

  /** Not before: an application that fails to build its providers leaves nothing open. */
  onModuleInit(): Promise<void> {
    return this.#connection.start();
  }

  /** Closes what this module opened; Nest calls it after the last request has been answered. */
  onApplicationShutdown(): Promise<void> {
    return this.#connection.close();
  }
}
