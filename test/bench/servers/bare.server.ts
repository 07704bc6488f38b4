import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { answerWith } from './answer-with.js';
import { listen } from './listen.js';
import { connectRedis } from './redis-client.js';
import { COMPLETION_BYTES } from './sample-answers.js';
import { counted, serve } from './serve.js';
import { settingsText, type BareSettings, type Settings } from './settings.js';

const settings: Settings & BareSettings = JSON.parse(settingsText());

interface Store {
  get(key: string): Promise<Buffer | null> | Buffer | undefined;
  set(key: string, bytes: Buffer): unknown;
}

async function redisStore(): Promise<Store> {
  const redis = await connectRedis(settings);
  return {
    get: (key) => redis.getBuffer(key),
    set: (key, bytes) => redis.set(key, bytes),
  };
}

const store: Store = settings.store === 'map' ? new Map<string, Buffer>() : await redisStore();

async function keyOf(request: IncomingMessage): Promise<string> {
  return createHash('sha256')
    .update(await buffer(request))
    .digest('base64url');
}

async function answerTo(key: string): Promise<Buffer> {
  const found = await store.get(key);
  if (found !== undefined && found !== null) return found;
  counted.calls += 1;
  await store.set(key, COMPLETION_BYTES);
  return COMPLETION_BYTES;
}

const url = await listen(async (request, response) => {
  const key = settings.key === 'path' ? String(request.url) : await keyOf(request);
  answerWith(response, await answerTo(key));
});
serve({ url });
