import { NestFactory } from '@nestjs/core';
import {
  AzureRedisConnection,
  EntraTokenManager,
  getAzureRedisCredentialToken,
  getAzureRedisOptionsToken,
  type AzureRedisOptions,
} from 'nestjs-azure-redis';
import { azureModule } from './azure-module.js';
import type { BenchCredential } from './bench-credential.js';
import { serve } from './serve.js';
import { settingsText } from './settings.js';

const app = await NestFactory.createApplicationContext(azureModule(JSON.parse(settingsText())), {
  logger: ['error', 'warn'],
});
const options = app.get<AzureRedisOptions>(getAzureRedisOptionsToken());
const credential = app.get<BenchCredential>(getAzureRedisCredentialToken());
const silent = { log: () => undefined, warn: () => undefined };
const connections: AzureRedisConnection[] = [];

async function connect(count: number): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    const tokens = new EntraTokenManager(credential, {
      scope: options.scope,
      username: options.username,
      deadlineMs: options.deadlines.tokenMs,
    });
    const connection = new AzureRedisConnection(options, tokens, silent);
    connections.push(connection);
    await connection.start();
  }
}

serve({ url: '', connect });
