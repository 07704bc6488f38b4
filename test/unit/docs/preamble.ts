/*
 * What the code blocks of the pages leave out, in the place of the reader's application. A block
 * gets those of these names that it uses and does not declare.
 */
import type { Anthropic } from '@anthropic-ai/sdk';
import type { OpenAIProvider } from '@ai-sdk/openai';
import type { ExecutionContext } from '@nestjs/common';
import type { AzureRedisModuleOptions, LlmCacheService } from 'nestjs-azure-redis';
import type { Keyv } from 'keyv';
import type { startLocalAzure } from 'nestjs-azure-redis/testing';
import type { OpenAI } from 'openai';

export { createOpenAI, type OpenAIProvider } from '@ai-sdk/openai';
export { Anthropic } from '@anthropic-ai/sdk';
export { getBearerTokenProvider, type TokenCredential } from '@azure/identity';
export { ChatOpenAI } from '@langchain/openai';
export { CACHE_MANAGER, CacheInterceptor } from '@nestjs/cache-manager';
export {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Injectable,
  Module,
  Post,
  Req,
  UseInterceptors,
} from '@nestjs/common';
export type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
export { HttpAdapterHost, NestFactory } from '@nestjs/core';
export { HealthCheck, HealthCheckService } from '@nestjs/terminus';
export { createAdapter } from '@socket.io/redis-adapter';
export { Queue, Worker } from 'bullmq';
export type { Cache } from 'cache-manager';
export { RedisStore } from 'connect-redis';
export type { Request } from 'express';
export { default as session } from 'express-session';
export { Redis } from 'ioredis';
export {
  AzureRedisConnection,
  AzureRedisModule,
  AzureRedisStore,
  azureRedisOptionsFromEnv,
  azureRedisOptionsFromLiteLlm,
  getAzureRedisToken,
  InjectAzureRedis,
  InjectAzureRedisConnection,
  InjectAzureRedisCredential,
  InjectAzureRedisStore,
  LlmCache,
  LlmCacheService,
} from 'nestjs-azure-redis';
export { Keyv } from 'keyv';
export { OpenAI } from 'openai';
export { Server } from 'socket.io';
export { expect } from 'vitest';

/** Properties of options that a block shows on their own. */
export interface Properties extends AzureRedisModuleOptions {
  imports?: readonly object[];
}

/** Properties of a class whose constructor a block shows on its own. */
export interface Fields {
  openai: OpenAI;
  anthropic: Anthropic;
  provider: OpenAIProvider;
  keyv: Keyv;
}

export interface Letter {
  readonly to: string;
}

export declare const AppModule: new () => object;
export declare const askTheModel: (request: object) => Promise<Response>;
export declare const azure: Awaited<ReturnType<typeof startLocalAzure>>;
export declare const host: string;
export declare const key: string;
export declare const knowledgeBaseOf: (context: ExecutionContext) => string;
export declare const listModels: () => Promise<string[]>;
export declare const llmCache: LlmCacheService;
export declare const redis: import('ioredis').Redis;
export declare const secretOfKeyVault: string;
export declare const send: (letter: Letter) => Promise<void>;
export declare const tenantOf: (context: ExecutionContext) => string;
