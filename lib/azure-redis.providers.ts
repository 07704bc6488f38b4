import { Logger, type FactoryProvider, type InjectionToken, type Provider } from '@nestjs/common';
import type { TokenCredential } from '@azure/identity';
import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import { createCache } from 'cache-manager';
import {
  DEFAULT_CONNECTION_NAME,
  getAzureRedisConnectionToken,
  getAzureRedisCredentialToken,
  getAzureRedisOptionsToken,
  getAzureRedisStoreToken,
  getAzureRedisToken,
  getAzureRedisTokenManagerToken,
  getLlmCacheServiceToken,
  LOGGER_CONTEXT,
} from './azure-redis.constants.js';
import { AzureRedisOptionsError } from './azure-redis.errors.js';
import { AzureRedisConnection } from './client/azure-redis-connection.js';
import { createAzureCredential } from './credential/azure-credential.js';
import type {
  AzureRedisCacheOptions,
  AzureRedisModuleOptions,
  AzureRedisOptions,
} from './options/azure-redis-options.interface.js';
import { LlmCacheService } from './llm-cache/llm-cache.service.js';
import { resolveAzureRedisOptions } from './options/resolve-options.js';
import { AzureRedisStore } from './store/azure-redis.store.js';
import { NearCache, type NearChanges } from './store/near-cache.js';
import { RedisKeyv } from './store/redis-keyv.js';
import { RedisNotices } from './store/redis-notices.js';
import { StoreGuard } from './store/store-guard.js';
import type { StoredJson } from './store/stored-json.js';
import { EntraTokenManager } from './token/entra-token-manager.js';
import { logTokenState } from './token/log-token-state.js';

/** The connection of a module instance, for the module class. */
export const MODULE_CONNECTION = Symbol('AzureRedisConnection of the module');

/** Where processes tell each other which values of the cache manager are gone. */
const NEAR_VALUES_CHANNEL = 'near:values';

type CacheExtra = boolean | AzureRedisCacheOptions | undefined;

/**
 * The providers of one connection, in the order of the pipe, and which of them are exported.
 *
 * @param moduleOptions token of what the user wrote
 */
export function connectionProviders(
  moduleOptions: InjectionToken,
  name: string = DEFAULT_CONNECTION_NAME,
  cache?: CacheExtra,
): { providers: Provider[]; exported: InjectionToken[] } {
  const isDefault = name === DEFAULT_CONNECTION_NAME;
  const providesCache = cache === undefined ? isDefault : cache !== false;

  const publicProviders: Exclude<Provider, new (...args: never[]) => unknown>[] = [
    optionsProvider(moduleOptions, name, cache, providesCache),
    credentialProvider(name),
    tokenManagerProvider(name),
    connectionProvider(name),
    {
      provide: getAzureRedisToken(name),
      inject: [getAzureRedisConnectionToken(name)],
      useFactory: ({ client }: AzureRedisConnection) => client,
    },
    storeProvider(getAzureRedisStoreToken(name), name),
    llmCacheProvider(name),
    ...(isDefault ? classTokenProviders() : []),
    ...(providesCache ? cacheManagerProviders(name) : []),
  ];
  return {
    providers: [
      ...publicProviders,
      // What the module itself closes, whatever the name of the connection.
      { provide: MODULE_CONNECTION, useExisting: getAzureRedisConnectionToken(name) },
      storeGuardProvider(name),
      noticesProvider(name),
    ],
    exported: publicProviders.map(({ provide }) => provide),
  };
}

function optionsProvider(
  moduleOptions: InjectionToken,
  name: string,
  cache: CacheExtra,
  providesCache: boolean,
): FactoryProvider<AzureRedisOptions> {
  return {
    provide: getAzureRedisOptionsToken(name),
    inject: [moduleOptions],
    useFactory: (written: AzureRedisModuleOptions) => {
      const options = resolveAzureRedisOptions(
        cache === undefined || 'cache' in written ? written : { ...written, cache },
      );
      if (providesCache && written.cache === false) {
        throw new AzureRedisOptionsError([
          'cache: Expected "cache: false" beside useFactory, got it from the factory, when CACHE_MANAGER is provided already. ' +
            'Move it to forRootAsync({ cache: false, useFactory }).',
        ]);
      }
      return options;
    },
  };
}

function credentialProvider(name: string): FactoryProvider<TokenCredential> {
  return {
    provide: getAzureRedisCredentialToken(name),
    inject: [getAzureRedisOptionsToken(name)],
    useFactory: ({ credential }: AzureRedisOptions) => createAzureCredential(credential),
  };
}

function tokenManagerProvider(name: string): FactoryProvider<EntraTokenManager> {
  return {
    provide: getAzureRedisTokenManagerToken(name),
    inject: [getAzureRedisCredentialToken(name), getAzureRedisOptionsToken(name)],
    useFactory: (credential: TokenCredential, options: AzureRedisOptions) => {
      const tokens = new EntraTokenManager(credential, {
        scope: options.scope,
        username: options.username,
        deadlineMs: options.deadlines.tokenMs,
      });
      logTokenState(tokens, new Logger(LOGGER_CONTEXT));
      return tokens;
    },
  };
}

function connectionProvider(name: string): FactoryProvider<AzureRedisConnection> {
  return {
    provide: getAzureRedisConnectionToken(name),
    inject: [getAzureRedisOptionsToken(name), getAzureRedisTokenManagerToken(name)],
    useFactory: (options: AzureRedisOptions, tokens: EntraTokenManager) => {
      const logger = new Logger(LOGGER_CONTEXT);
      if (options.tls === false) {
        logger.warn(
          `TLS is off: tokens and cached answers go to ${options.host}:${options.port} in clear text. ` +
            'Azure Redis does not accept that; remove "tls: false" unless a local tunnel encrypts.',
        );
      }
      return new AzureRedisConnection(options, tokens, logger);
    },
  };
}

/** Not exported: what the stores of one connection share. */
function storeGuardProvider(name: string): FactoryProvider<StoreGuard> {
  return {
    provide: StoreGuard,
    inject: [getAzureRedisConnectionToken(name), getAzureRedisOptionsToken(name)],
    useFactory: (connection: AzureRedisConnection, { cache }: AzureRedisOptions) =>
      new StoreGuard({
        deadlineMs: cache.deadlineMs,
        isConnected: () => connection.client.status === 'ready',
        availability: connection.availability,
        logger: new Logger(LOGGER_CONTEXT),
        explain: (error) => connection.explain(error).message,
      }),
  };
}

/** Not exported: what the processes that share a cache tell each other. */
function noticesProvider(name: string): FactoryProvider<RedisNotices> {
  return {
    provide: RedisNotices,
    inject: [getAzureRedisConnectionToken(name), getAzureRedisOptionsToken(name)],
    useFactory: ({ client }: AzureRedisConnection, { cache }: AzureRedisOptions) =>
      new RedisNotices(client, cache.namespace),
  };
}

function storeProvider(provide: InjectionToken, name: string): FactoryProvider<AzureRedisStore> {
  return {
    provide,
    inject: [getAzureRedisConnectionToken(name), StoreGuard, getAzureRedisOptionsToken(name)],
    useFactory: createStore,
  };
}

function llmCacheProvider(name: string): FactoryProvider<LlmCacheService> {
  return {
    provide: getLlmCacheServiceToken(name),
    inject: [getAzureRedisStoreToken(name), RedisNotices, getAzureRedisOptionsToken(name)],
    useFactory: (store: AzureRedisStore, notices: RedisNotices, { cache }: AzureRedisOptions) =>
      new LlmCacheService(store, notices, cache),
  };
}

function createStore(
  { client }: AzureRedisConnection,
  guard: StoreGuard,
  { cache }: AzureRedisOptions,
  near?: NearChanges,
): AzureRedisStore {
  return new AzureRedisStore(client, guard, cache.namespace, near);
}

function classTokenProviders() {
  return [
    { provide: AzureRedisConnection, useExisting: getAzureRedisConnectionToken() },
    { provide: EntraTokenManager, useExisting: getAzureRedisTokenManagerToken() },
    { provide: AzureRedisStore, useExisting: getAzureRedisStoreToken() },
    { provide: LlmCacheService, useExisting: getLlmCacheServiceToken() },
  ];
}

function cacheManagerProviders(name: string) {
  return [
    {
      provide: CACHE_MANAGER,
      inject: [
        getAzureRedisConnectionToken(name),
        StoreGuard,
        RedisNotices,
        getAzureRedisOptionsToken(name),
      ],
      useFactory: (
        connection: AzureRedisConnection,
        guard: StoreGuard,
        notices: RedisNotices,
        options: AzureRedisOptions,
      ) => {
        const { near } = options.cache;
        const nearCache = near
          ? new NearCache<StoredJson>(near, notices, NEAR_VALUES_CHANNEL)
          : undefined;
        // A store of its own: Keyv writes its namespace into the adapter it is given, and the
        // injectable store may be given to another Keyv.
        const store = createStore(connection, guard, options, nearCache);
        const keyv = new RedisKeyv(store, nearCache);
        const logger = new Logger(LOGGER_CONTEXT);
        keyv.on('error', (error: unknown) =>
          logger.warn(error instanceof Error ? error.message : String(error)),
        );
        return createCache({ stores: [keyv], ttl: options.cache.ttlMs });
      },
    },
    { provide: Cache, useExisting: CACHE_MANAGER },
  ];
}
