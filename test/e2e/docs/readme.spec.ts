import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startLocalModelServer,
  type LocalModelServer,
} from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import { codeBlockWith } from '../../fixtures/docs/code-blocks.js';
import { runPage } from './run-page.js';

const blockWith = (text: string): string => codeBlockWith('README.md', 'ts', text).code;

let azure: LocalAzure;
let models: LocalModelServer;
beforeAll(async () => {
  azure = await startLocalAzure();
  models = await startLocalModelServer({ firstTokenMs: [0, 0], tokensPerSecond: Infinity });
});
afterAll(() => Promise.all([azure.stop(), models.close()]));

describe('README.md', () => {
  it('its first application answers the second time from the cache', async () => {
    const { host, port } = azure.connection;
    const application = blockWith('askTheModel(request)');
    const placeholder = /host: '[^']*'/g;
    expect(application.match(placeholder)).toHaveLength(1);
    const code = `
      import { once } from 'node:events';
      import { setImmediate as nextTurn } from 'node:timers/promises';
      import { NestFactory } from '@nestjs/core';
      import { getAzureRedisConnectionToken, getAzureRedisToken } from 'nestjs-azure-redis';
      ${application.replace(placeholder, `host: '${host}', port: ${port}`)}
      let calls = 0;
      async function askTheModel() {
        calls += 1;
        const message = { role: 'assistant', content: 'Hello' };
        return Response.json({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
      }
      const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
      await app.listen(0, '127.0.0.1');
      await app.get(getAzureRedisConnectionToken()).whenReady(10_000);
      const results = [];
      for (const caller of ['mine', 'mine', 'yours']) {
        const response = await fetch(await app.getUrl() + '/v1/chat/completions', {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: caller },
          body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }] }),
        });
        await response.text();
        results.push(response.headers.get('x-cache'));
        await nextTurn();
        await app.get(getAzureRedisToken()).ping();
      }
      await app.close();
      process.stdout.write(JSON.stringify({ results, calls }));
    `;
    expect(await runPage(code, azure.environment)).toEqual({
      results: ['MISS', 'HIT', 'MISS'],
      calls: 2,
    });
  });

  it('its SDK clients ask the model once for each question', async () => {
    const code = `
      import { setImmediate as nextTurn } from 'node:timers/promises';
      import { createOpenAI } from '@ai-sdk/openai';
      import { Anthropic } from '@anthropic-ai/sdk';
      import { Injectable, Module } from '@nestjs/common';
      import { NestFactory } from '@nestjs/core';
      import { generateText } from 'ai';
      import { AzureRedisModule, azureRedisOptionsFromEnv, getAzureRedisToken, LlmCacheService } from 'nestjs-azure-redis';
      import { OpenAI } from 'openai';
      @Injectable()
      class Clients {
        ${blockWith('createFetch(')}
      }
      const useFactory = () => ({ ...azureRedisOptionsFromEnv(), failFast: true });
      @Module({ imports: [AzureRedisModule.forRootAsync({ useFactory })], providers: [Clients] })
      class AppModule {}
      const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
      const { openai, anthropic, provider } = app.get(Clients);
      const messages = [{ role: 'user', content: 'Hello' }];
      for (let round = 0; round < 2; round++) {
        await openai.chat.completions.create({ model: 'gpt-5', messages });
        await anthropic.messages.create({ model: 'claude', max_tokens: 100, messages });
        await generateText({ model: provider.chat('gpt-5'), prompt: 'Hello' });
        await nextTurn();
        await app.get(getAzureRedisToken()).ping();
      }
      const { hits, misses } = app.get(LlmCacheService).stats;
      await app.close();
      process.stdout.write(JSON.stringify({ hits, misses }));
    `;
    const before = models.requests;
    const env = {
      ...azure.environment,
      OPENAI_API_KEY: 'a key',
      OPENAI_BASE_URL: models.url,
      ANTHROPIC_API_KEY: 'a key',
      ANTHROPIC_BASE_URL: models.url.replace('/v1', ''),
    };
    expect(await runPage(code, env)).toEqual({ hits: 3, misses: 3 });
    expect(models.requests - before).toBe(3);
  });

  it('its local Azure starts, fails as told, and stops', async () => {
    const code = `
      import assert from 'node:assert/strict';
      import { AzureRedisModule } from 'nestjs-azure-redis';
      const expect = (value) => ({ toBe: (wanted) => assert.equal(value, wanted) });
      ${blockWith('startLocalAzure({')}
      process.stdout.write(JSON.stringify(process.getActiveResourcesInfo().includes('ProcessWrap')));
    `;
    expect(await runPage(code, {})).toBe(false);
  });
});
