import { buffer } from 'node:stream/consumers';
import { createOpenAI } from '@ai-sdk/openai';
import { NestFactory } from '@nestjs/core';
import { generateText, wrapLanguageModel, type LanguageModel } from 'ai';
import { LlmCacheService } from 'nestjs-azure-redis';
import { answerWith } from './answer-with.js';
import { azureModule } from './azure-module.js';
import { listen } from './listen.js';
import { cachingMiddleware } from './middleware.js';
import { connectRedis } from './redis-client.js';
import { COMPLETION_BYTES } from './sample-answers.js';
import { counted, serve } from './serve.js';
import { settingsText, type FetchSettings, type Settings } from './settings.js';

const PROMPT = 'Why is the sky blue? '.repeat(100);

const settings: Settings & FetchSettings = JSON.parse(settingsText());

const modelServer = await listen(async (request, response) => {
  counted.calls += 1;
  await buffer(request);
  answerWith(response, COMPLETION_BYTES);
});

const modelBy = (fetch?: typeof globalThis.fetch) =>
  createOpenAI({ baseURL: `${modelServer}/v1`, apiKey: 'bench', ...(fetch && { fetch }) }).chat(
    'gpt-4o-mini',
  );

async function cachedModel(): Promise<LanguageModel> {
  switch (settings.cachedBy) {
    case 'nothing':
      return modelBy();
    case 'fetch': {
      const module = azureModule(settings);
      const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
      return modelBy(app.get(LlmCacheService).createFetch({ scope: 'bench' }));
    }
    case 'middleware': {
      const redis = await connectRedis(settings);
      return wrapLanguageModel({ model: modelBy(), middleware: cachingMiddleware(redis) });
    }
  }
}

const model = await cachedModel();
const url = await listen(async (_request, response) => {
  const { text } = await generateText({ model, prompt: PROMPT });
  answerWith(response, Buffer.from(JSON.stringify({ text })));
});
serve({ url });
