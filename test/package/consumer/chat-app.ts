// A user's program: each test compiles it against the packed types, and runs it.
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AzureRedisModule,
  getAzureRedisToken,
  LlmCache,
  type AzureRedisClient,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';

let calls = 0;

@Controller()
@LlmCache({ scope: 'public' })
class ChatController {
  @Post('chat')
  @HttpCode(200)
  complete(@Body() request: { prompt: string }): object {
    calls += 1;
    return { answer: request.prompt.toUpperCase() };
  }
}

function applicationOn({ connection, credential }: LocalAzure): new () => object {
  @Module({
    imports: [AzureRedisModule.forRoot({ ...connection, credential })],
    controllers: [ChatController],
  })
  class AppModule {}
  return AppModule;
}

async function main(): Promise<void> {
  const azure = await startLocalAzure();
  const app = await NestFactory.create(applicationOn(azure), { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  // Answers before the first connection would not be cached.
  await app.get<AzureRedisClient>(getAzureRedisToken()).ping();
  for (let request = 0; request < 2; request += 1) {
    const answer = await fetch(`${await app.getUrl()}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'hello' }),
    });
    const line = `${answer.headers.get('x-cache')} ${await answer.text()} calls: ${calls}`;
    process.stdout.write(`${line}\n`);
  }
  await app.close();
  await azure.stop();
}

void main();
