export { AzureRedisModule } from './azure-redis.module.js';
export type { AzureRedisModuleExtras } from './azure-redis.module-definition.js';
export {
  InjectAzureRedis,
  InjectAzureRedisConnection,
  InjectAzureRedisCredential,
  InjectAzureRedisOptions,
  InjectAzureRedisStore,
  InjectEntraTokenManager,
  InjectLlmCacheService,
} from './azure-redis.decorators.js';
export {
  getAzureRedisConnectionToken,
  getAzureRedisCredentialToken,
  getAzureRedisOptionsToken,
  getAzureRedisStoreToken,
  getAzureRedisToken,
  getAzureRedisTokenManagerToken,
  getLlmCacheServiceToken,
} from './azure-redis.constants.js';
export {
  AzureRedisError,
  AzureRedisOptionsError,
  type AzureRedisErrorCode,
} from './azure-redis.errors.js';

export type {
  AzureCredentialKind,
  AzureCredentialOptions,
  AzureRedisCacheOptions,
  AzureRedisDeadlines,
  AzureRedisModuleOptions,
  AzureRedisOptions,
  AzureRedisOptionsFactory,
  AzureRedisPassThroughOptions,
  AzureRedisTopology,
} from './options/azure-redis-options.interface.js';
export type {
  LlmCacheClientControls,
  LlmCacheEncryptionOptions,
  LlmCacheFleetOptions,
  LlmCacheOnDisconnect,
  LlmCacheOptions,
  LlmCachePacing,
  LlmCachePricedUsage,
  LlmCachePricing,
  LlmCacheScope,
  ResolvedLlmCacheOptions,
} from './options/llm-cache-options.interface.js';
export { azureRedisOptionsFromEnv, type Environment } from './options/from-environment.js';
export { azureRedisOptionsFromLiteLlm, type LiteLlmSourceOptions } from './options/from-litellm.js';

export {
  EntraTokenManager,
  type EntraTokenEvents,
  type EntraTokenManagerOptions,
} from './token/entra-token-manager.js';
export { RedisToken } from './token/redis-token.js';
export {
  AzureRedisConnection,
  type AzureRedisConnectionEvents,
  type AzureRedisConnectionStatus,
} from './client/azure-redis-connection.js';
export type { AzureRedisClient } from './client/create-client.js';
export type { DeferralReason, ReauthenticatorEvents } from './client/reauthenticator.js';
export { AzureRedisStore } from './store/azure-redis.store.js';
export type { ByteStore } from './store/byte-store.interface.js';
export type { StoreOperationEvent } from './store/store-operation.js';
export { LlmCacheInterceptor } from './llm-cache/llm-cache.interceptor.js';
export {
  LlmCache,
  type LlmCacheRouteOptions,
  type LlmCacheTags,
} from './llm-cache/llm-cache.decorators.js';
export { LlmCacheService, type LlmCacheRequest } from './llm-cache/llm-cache.service.js';
export type { LlmCacheFetchOptions } from './llm-cache/fetch-door.js';
export type {
  LlmCacheCounts,
  LlmCacheStats,
} from './llm-cache/accounting/llm-cache-stats.interface.js';
export type {
  LlmCacheEvent,
  LlmCacheResult,
  LlmCacheSavings,
} from './llm-cache/accounting/llm-cache-event.interface.js';
export type { ComponentName, Explanation } from './llm-cache/explanation/explain.js';
export type { LlmCacheExplanation } from './llm-cache/explanation/llm-cache-explanation.interface.js';
export type { LlmCacheInvalidation } from './llm-cache/invalidation/invalidation-target.js';
export type {
  LlmProtocol,
  PersonalField,
  RequestComponentName,
  RequestComponents,
  StreamJudge,
  TokenUsage,
} from './llm-cache/protocols/llm-protocol.interface.js';
