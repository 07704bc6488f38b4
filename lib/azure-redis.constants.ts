/** Logger context of everything this package logs. */
export const LOGGER_CONTEXT = 'AzureRedisModule';

/** Name of the connection that is meant when none is given. */
export const DEFAULT_CONNECTION_NAME = 'default';

const tokenFor =
  (part: string) =>
  (name: string = DEFAULT_CONNECTION_NAME): string =>
    name === DEFAULT_CONNECTION_NAME ? `AZURE_REDIS_${part}` : `AZURE_REDIS_${part}(${name})`;

/** Injection token of the ioredis client (`Redis` or `Cluster`). @publicApi */
export const getAzureRedisToken = tokenFor('CLIENT');

/** Injection token of the validated, frozen options. @publicApi */
export const getAzureRedisOptionsToken = tokenFor('OPTIONS');

/** Injection token of the `TokenCredential`. @publicApi */
export const getAzureRedisCredentialToken = tokenFor('CREDENTIAL');

/** Injection token of the {@link EntraTokenManager}. @publicApi */
export const getAzureRedisTokenManagerToken = tokenFor('TOKEN_MANAGER');

/** Injection token of the {@link AzureRedisConnection}. @publicApi */
export const getAzureRedisConnectionToken = tokenFor('CONNECTION');

/** Injection token of the {@link AzureRedisStore}. @publicApi */
export const getAzureRedisStoreToken = tokenFor('STORE');

/** Injection token of the {@link LlmCacheService}. @publicApi */
export const getLlmCacheServiceToken = tokenFor('LLM_CACHE');
