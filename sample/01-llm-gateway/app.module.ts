import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AzureRedisModule, azureRedisOptionsFromEnv } from 'nestjs-azure-redis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { ApiErrorFilter } from './gateway/api-error.filter.js';
import { ChatController } from './gateway/chat.controller.js';
import { EmbeddingsController } from './gateway/embeddings.controller.js';
import { MessagesController } from './gateway/messages.controller.js';
import { ModelsController } from './gateway/models.controller.js';
import { ResponsesController } from './gateway/responses.controller.js';
import type { GatewayExtension } from './gateway-extension.interface.js';
import { pricing } from './pricing.js';
import { UPSTREAM_TARGET } from './upstream/upstream-target.js';
import type { UpstreamTarget } from './upstream/upstream-target.js';
import { Upstream } from './upstream/upstream.service.js';

export interface GatewayOptions {
  /** Used instead of the Azure Redis that the environment names. */
  readonly localAzure?: LocalAzure | undefined;
  readonly upstream: UpstreamTarget;
  readonly extension?: GatewayExtension | undefined;
}

@Module({
  controllers: [
    ChatController,
    ResponsesController,
    MessagesController,
    EmbeddingsController,
    ModelsController,
  ],
  providers: [Upstream, { provide: APP_FILTER, useClass: ApiErrorFilter }],
})
export class AppModule {
  static register({ localAzure, upstream, extension }: GatewayOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AzureRedisModule.forRootAsync({
          useFactory: () => ({
            ...(localAzure === undefined
              ? azureRedisOptionsFromEnv()
              : {
                  ...localAzure.connection,
                  credential: extension?.credential ?? localAzure.credential,
                }),
            // Even a slow Redis is faster than a model, so it may have a second.
            cache: { namespace: 'llm-gateway', deadlineMs: 1_000, llm: { pricing } },
          }),
        }),
        ...(extension?.modules ?? []),
      ],
      providers: [{ provide: UPSTREAM_TARGET, useValue: upstream }],
    };
  }
}
