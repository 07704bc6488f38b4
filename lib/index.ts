export { AzureRedisModule } from './azure-redis.module.js';
export type { AzureRedisModuleExtras } from './azure-redis.module-definition.js';
export {
  InjectAzureRedis,
  InjectAzureRedisConnection,
  InjectAzureRedisCredential,
  InjectAzureRedisOptions,
  InjectAzureRedisStore,
  InjectEntraTokenManager,
} from './azure-redis.decorators.js';
export {
  getAzureRedisConnectionToken,
  getAzureRedisCredentialToken,
  getAzureRedisOptionsToken,
  getAzureRedisStoreToken,
  getAzureRedisToken,
  getAzureRedisTokenManagerToken,
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
export { LlmCacheInterceptor } from './llm-cache/llm-cache.interceptor.js';
export type { LlmCacheScope } from './llm-cache/key/scope.js';
