import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Redis } from 'ioredis';
import { AzureRedisModule, azureRedisOptionsFromEnv, getAzureRedisToken } from 'nestjs-azure-redis';

/** Knows nothing of a local Azure: everything comes from the environment. */
@Module({
  imports: [
    AzureRedisModule.forRootAsync({
      useFactory: () => ({
        ...azureRedisOptionsFromEnv(),
        ...(process.env['REDIS_TOPOLOGY'] === 'cluster' && { topology: 'cluster' as const }),
      }),
    }),
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
if (process.env['USE_REDIS'] === 'true') {
  const client = app.get<Redis>(getAzureRedisToken());
  process.stdout.write(`${await client.set('from-the-child', 'yes')}\n`);
}
await app.close();
process.stdout.write('closed\n');
