import { Module, type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';
import { AzureRedisConnection } from 'nestjs-azure-redis';
import { azureModule } from './azure-module.js';
import { Frames } from './frames.js';
import { CONTROLLERS, VALUE } from './nest-routes.js';
import { connectRedis } from './redis-client.js';
import { completionOf } from './sample-answers.js';
import { counted, serve } from './serve.js';
import { settingsText, type NestSettings, type Settings } from './settings.js';
import { stockModule } from './stock-module.js';

const settings: Settings & NestSettings = JSON.parse(settingsText());
const { platform, route, stores, cache, answerBytes, rotationMs } = settings;
/** Large prompts are no mistake. */
const BODY_LIMIT = 8_388_608;
const LOG_LEVELS = ['error', 'warn'] as const;
const isOurs = route === 'cached' || route === 'cached-stream';

function cacheModules(): DynamicModule[] {
  if (stores !== undefined) return [stockModule(settings, stores)];
  return isOurs ? [azureModule(settings, cache, rotationMs)] : [];
}

@Module({
  imports: cacheModules(),
  controllers: [CONTROLLERS[route]],
  providers: [
    Frames,
    { provide: VALUE, useValue: completionOf(answerBytes) },
    ...(route === 'redis-bytes'
      ? [{ provide: Redis, useFactory: () => connectRedis(settings) }]
      : []),
  ],
})
class BenchModule {}

async function createApplication(): Promise<INestApplication> {
  // Nest keeps the bytes of bodies.
  const options = { rawBody: true, logger: [...LOG_LEVELS] };
  if (platform === 'express') {
    const app = await NestFactory.create<NestExpressApplication>(
      BenchModule,
      new ExpressAdapter(),
      options,
    );
    return app.useBodyParser('json', { limit: BODY_LIMIT });
  }
  return NestFactory.create(BenchModule, new FastifyAdapter({ bodyLimit: BODY_LIMIT }), options);
}

const app = await createApplication();
await app.listen(0, '127.0.0.1');
if (isOurs) {
  app.get(AzureRedisConnection).on('reauthenticated', () => (counted.rotations += 1));
}
const frames = app.get(Frames);
serve({
  url: await app.getUrl(),
  hold: () => frames.hold(),
  release: () => frames.release(),
});
