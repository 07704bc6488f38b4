import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { Controller, Inject, Injectable, Post, type ExecutionContext } from '@nestjs/common';
import { LlmCache } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

@Injectable()
class Model {
  calls = 0;
}

/** Who is asked for the scope of a request, and what became of the connection of it. */
const asked: ServerResponse[] = [];
let scopeIsKnown: Promise<void> = Promise.resolve();

function responseOf(context: ExecutionContext): ServerResponse {
  const response = context
    .switchToHttp()
    .getResponse<ServerResponse & { readonly raw?: ServerResponse }>();
  return response.raw ?? response;
}

@Controller()
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('ask')
  @LlmCache({
    scope: async (context) => {
      asked.push(responseOf(context));
      await scopeIsKnown;
      return 'acme';
    },
  })
  ask(): object {
    return { call: (this.#model.calls += 1) };
  }
}

describe.each(PLATFORMS)('a caller on %s', (platform) => {
  let azure: LocalAzure;
  let cached: CachedApp;
  beforeAll(async () => {
    azure = await startLocalAzure();
    const parts = { controllers: [ModelController], providers: [Model] };
    cached = await startCachedApp(azure, { platform, ...parts });
  });
  afterAll(async () => {
    await cached.app.close();
    await azure.stop();
  });

  it('who has gone while its scope was looked up calls nobody', async () => {
    let know: () => void = () => undefined;
    scopeIsKnown = new Promise((resolve) => (know = resolve));
    const leaving = new AbortController();
    const answer = fetch(`${cached.url}/ask`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"question":"Hi"}',
      signal: leaving.signal,
    });
    await eventually('the scope is asked for', () => asked.length > 0);
    leaving.abort();
    await expect(answer).rejects.toThrow('aborted');
    await eventually('the connection is closed', () => asked.at(-1)?.closed === true);
    know();
    // Behind it in every queue.
    const { calls: before } = cached.app.get(Model);
    await cached.post('ask', { question: 'Another one' });
    asked.length = 0;

    expect(before).toBe(0);
    expect(cached.app.get(Model).calls).toBe(1);
  });
});

describe('a fetch with a Content-Length of its own', () => {
  it('asks for the embeddings that are missing', async () => {
    const azure = await startLocalAzure();
    const cached = await startCachedApp(azure);
    const server = createServer((request, response) => {
      const answer = async (): Promise<void> => {
        const { input }: { input: string[] } = JSON.parse(await textOf(request));
        const data = input.map((_, index) => ({ object: 'embedding', index, embedding: [0.5, 1] }));
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ object: 'list', data, model: 'm' }));
      };
      answer().catch(() => response.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.close();
      await cached.app.close();
      await azure.stop();
    });
    await emptyRedis(cached.redis);
    const address: AddressInfo | string | null = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const embed = async (...input: string[]): Promise<unknown> => {
      const body = JSON.stringify({ model: 'm', input });
      const length = String(Buffer.byteLength(body));
      const response = cached.cache.fetch(`http://127.0.0.1:${port}/v1/embeddings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': length },
        body,
      });
      return (await cached.read(response)).status;
    };

    expect(await embed('a')).toBe(200);
    await expect(embed('a', 'b', 'c')).resolves.toBe(200);
  });
});
