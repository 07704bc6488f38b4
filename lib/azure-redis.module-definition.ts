import { ConfigurableModuleBuilder } from '@nestjs/common';
import { connectionProviders } from './azure-redis.providers.js';
import type {
  AzureRedisCacheOptions,
  AzureRedisModuleOptions,
} from './options/azure-redis-options.interface.js';

/**
 * What Nest has to know before the options are there: providers and exports are built first.
 *
 * @publicApi
 */
export interface AzureRedisModuleExtras {
  /** Name of the connection, for applications with several. @default 'default' */
  name?: string | undefined;
  /** Whether other modules see the providers without importing this one. @default true */
  isGlobal?: boolean;
  /**
   * `false` does not provide `CACHE_MANAGER`.
   * @default true for the default connection, false for a named one
   */
  cache?: boolean | AzureRedisCacheOptions;
}

const MODULE_OPTIONS = 'AZURE_REDIS_MODULE_OPTIONS';

// Listed here, `name` and `isGlobal` are taken out of what forRoot() is given; `cache` is not,
// because it is an option too.
const extras: AzureRedisModuleExtras = { name: undefined, isGlobal: true };

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<AzureRedisModuleOptions>({
    moduleName: 'AzureRedis',
    optionsInjectionToken: MODULE_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createAzureRedisOptions')
    .setExtras(extras, (definition, { name, isGlobal = true, cache }) => {
      const { providers, exported } = connectionProviders(MODULE_OPTIONS, name, cache);
      return {
        ...definition,
        global: isGlobal,
        providers: [...(definition.providers ?? []), ...providers],
        exports: exported,
      };
    })
    .build();
