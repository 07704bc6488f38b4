import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  startLocalModelServer,
  type LocalModelServer,
} from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import { codeBlockWith } from '../../fixtures/docs/code-blocks.js';
import { runPage } from './run-page.js';

const blockWith = (text: string): string => codeBlockWith('docs/recipes.md', 'ts', text).code;

let azure: LocalAzure;
let models: LocalModelServer;
beforeAll(async () => {
  // So short that each request to the model has a token of its own.
  azure = await startLocalAzure({ tokenLifetimeMs: 20_000 });
  models = await startLocalModelServer({ firstTokenMs: [0, 0], tokensPerSecond: Infinity });
});
afterAll(() => Promise.all([azure.stop(), models.close()]));

/** Asks twice, and returns how often the answer came from the cache. */
async function askTwice(provider: string, ask: string): Promise<unknown> {
  const code = `
    import { setImmediate as nextTurn } from 'node:timers/promises';
    import { createOpenAI } from '@ai-sdk/openai';
    import { Anthropic } from '@anthropic-ai/sdk';
    import { getBearerTokenProvider } from '@azure/identity';
    import { ChatOpenAI } from '@langchain/openai';
    import { Injectable, Module } from '@nestjs/common';
    import { ModuleRef, NestFactory } from '@nestjs/core';
    import { generateText } from 'ai';
    import { AzureRedisModule, azureRedisOptionsFromEnv, getAzureRedisToken, InjectAzureRedisCredential, LlmCacheService } from 'nestjs-azure-redis';
    import { OpenAI } from 'openai';
    const key = 'a key';
    ${provider.replace('export class', 'class')}
    const Provider = ${/class (\w+)/.exec(provider)?.[1]};
    const useFactory = () => ({ ...azureRedisOptionsFromEnv(), failFast: true });
    @Module({ imports: [AzureRedisModule.forRootAsync({ useFactory })], providers: [Provider] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
    const messages = [{ role: 'user', content: 'Hello' }];
    for (let round = 0; round < 2; round++) {
      const provided = await app.get(ModuleRef).create(Provider); // with a token of its own
      await ${ask};
      await nextTurn();
      await app.get(getAzureRedisToken()).ping();
    }
    const { hits } = app.get(LlmCacheService).stats;
    await app.get(getAzureRedisToken()).flushall();
    await app.close();
    process.stdout.write(JSON.stringify(hits));
  `;
  return runPage(code, {
    ...azure.environment,
    OPENAI_BASE_URL: models.url,
    ANTHROPIC_BASE_URL: models.url.replace('/v1', ''),
  });
}

const chat = "provided.openai.chat.completions.create({ model: 'gpt-5', messages })";

it.each([
  ['OpenAI', 'class Model ', chat],
  [
    'Anthropic',
    'class AnthropicModel',
    "provided.anthropic.messages.create({ model: 'claude', max_tokens: 100, messages })",
  ],
  [
    'AI SDK',
    'class AiModel',
    "generateText({ model: provided.of('a tenant').chat('gpt-5'), prompt: 'Hello' })",
  ],
  ['LangChain', 'class LangChainModel', "provided.model.invoke('Hello')"],
])('%s asks the model once', async (_, text, ask) => {
  const before = models.requests;
  expect(await askTwice(blockWith(text), ask)).toBe(1);
  expect(models.requests - before).toBe(1);
});

const AZURE_URL = 'https://my-resource.openai.azure.com/openai/v1/';
const SCOPED = "llmCache.createFetch({ scope: 'my-gateway' })";

it('Azure OpenAI asks the model once, though the token changes', async () => {
  const recipe = blockWith('class AzureModel');
  expect(recipe).toContain(AZURE_URL);
  expect(await askTwice(recipe.replace(AZURE_URL, models.url), chat)).toBe(1);
});

it('Azure OpenAI asks it with each token when nobody names the scope', async () => {
  const recipe = blockWith('class AzureModel');
  expect(recipe).toContain(SCOPED);
  const unscoped = recipe.replace(SCOPED, 'llmCache.fetch');
  expect(await askTwice(unscoped.replace(AZURE_URL, models.url), chat)).toBe(0);
});
