import { Inject } from '@nestjs/common';
import {
  getAzureRedisConnectionToken,
  getAzureRedisCredentialToken,
  getAzureRedisOptionsToken,
  getAzureRedisStoreToken,
  getAzureRedisToken,
  getAzureRedisTokenManagerToken,
  getLlmCacheServiceToken,
} from './azure-redis.constants.js';

type InjectDecorator = ReturnType<typeof Inject>;

/** Injects the ioredis client (`Redis` or `Cluster`). @publicApi */
export const InjectAzureRedis = (name?: string): InjectDecorator =>
  Inject(getAzureRedisToken(name));

/** Injects the validated, frozen options. @publicApi */
export const InjectAzureRedisOptions = (name?: string): InjectDecorator =>
  Inject(getAzureRedisOptionsToken(name));

/** Injects the `TokenCredential`. @publicApi */
export const InjectAzureRedisCredential = (name?: string): InjectDecorator =>
  Inject(getAzureRedisCredentialToken(name));

/** Injects the {@link EntraTokenManager}. @publicApi */
export const InjectEntraTokenManager = (name?: string): InjectDecorator =>
  Inject(getAzureRedisTokenManagerToken(name));

/** Injects the {@link AzureRedisConnection}. @publicApi */
export const InjectAzureRedisConnection = (name?: string): InjectDecorator =>
  Inject(getAzureRedisConnectionToken(name));

/** Injects the {@link AzureRedisStore}. @publicApi */
export const InjectAzureRedisStore = (name?: string): InjectDecorator =>
  Inject(getAzureRedisStoreToken(name));

/** Injects the {@link LlmCacheService}. @publicApi */
export const InjectLlmCacheService = (name?: string): InjectDecorator =>
  Inject(getLlmCacheServiceToken(name));
