import { NestFactory } from '@nestjs/core';
import type { Redis } from 'ioredis';
import {
  AzureRedisModule,
  azureRedisOptionsFromEnv,
  azureRedisOptionsFromLiteLlm,
  getAzureRedisToken,
} from 'nestjs-azure-redis';

/** Knows nothing of a local Azure: a LiteLLM config.yaml, or the environment alone. */
const { LITELLM_CONFIG: config } = process.env;
const module = AzureRedisModule.forRootAsync({
  useFactory: () => ({
    ...(config === undefined ? azureRedisOptionsFromEnv() : azureRedisOptionsFromLiteLlm(config)),
    failFast: true,
  }),
});

const app = await NestFactory.createApplicationContext(module, { logger: false });
const redis = app.get<Redis>(getAzureRedisToken());
await redis.set('greeting', 'hello', 'PX', 60_000);
const facts = { user: await redis.call('ACL', 'WHOAMI'), value: await redis.get('greeting') };
await app.close();
process.stdout.write(JSON.stringify(facts));
