import { randomUUID } from 'node:crypto';
import {
  Controller,
  Header,
  Inject,
  Injectable,
  Post,
  RequestMethod,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import { LlmCache, type LlmCacheFetchOptions } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { from, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';

/** What the answers are made from; a request has the documents it finds as its tags. */
@Injectable()
class Library {
  documents: readonly string[] = [];
}

let library: Library;

@Controller()
class LibraryController {
  readonly #library: Library;

  constructor(@Inject(Library) own: Library) {
    this.#library = own;
  }

  @Post('ask')
  @LlmCache({ tags: () => library.documents })
  ask(): object {
    return { from: this.#library.documents };
  }

  @Sse('events', { method: RequestMethod.POST })
  @Header('Cache-Groups', '"prices"')
  @LlmCache()
  events(): Observable<MessageEvent> {
    return from([{ data: { from: this.#library.documents } }]);
  }
}

const CHAT_URL = 'http://127.0.0.1:9/v1/chat/completions';

/** Each test has its own: the epochs of Redis are the same in all of them. */
const newQuestion = () => ({ question: randomUUID() });

describe('an invalidated answer', () => {
  let azure: LocalAzure;
  let cached: CachedApp;

  beforeAll(async () => {
    azure = await startLocalAzure();
    cached = await startCachedApp(azure, {
      controllers: [LibraryController],
      providers: [Library],
    });
    library = cached.app.get(Library);
  });
  afterAll(async () => {
    await cached.app.close();
    await azure.stop();
  });

  it('is not given to a request that lacks the tag of it by now', async () => {
    const question = newQuestion();
    library.documents = ['doc-1', 'doc-2'];
    await cached.post('ask', question);

    // What one does when a document is deleted.
    library.documents = ['doc-1'];
    await cached.cache.invalidate({ tag: 'doc-2' });

    expect(JSON.parse((await cached.post('ask', question)).text)).toEqual({ from: ['doc-1'] });
  });

  describe('of a fetch with tags', () => {
    const provider: typeof fetch = async () => {
      const message = { role: 'assistant', content: 'Hi' };
      return Response.json({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
    };
    const ask = (body: object, options: LlmCacheFetchOptions): Promise<ReadAnswer> =>
      cached.read(
        cached.cache.createFetch({ fetch: provider, ...options })(CHAT_URL, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      );
    const newChat = () => ({ model: 'm', messages: [{ role: 'user', content: randomUUID() }] });

    it('is not given by a fetch without them', async () => {
      const chat = newChat();
      await ask(chat, { tags: ['kb-1'] });
      await cached.cache.invalidate({ tag: 'kb-1' });
      expect((await ask(chat, {})).cache).toBe('MISS');
    });

    it('is not what get() finds', async () => {
      const body = newChat();
      await ask(body, { tags: ['kb-2'] });
      await cached.cache.invalidate({ tag: 'kb-2' });
      expect(await cached.cache.get({ url: CHAT_URL, body })).toBeUndefined();
    });
  });

  it('is not given where an @Sse() handler names the group', async () => {
    const question = newQuestion();
    library.documents = ['old'];
    const first = await cached.post('events', question);
    expect(first.headers.get('cache-groups')).toBe('"prices"');
    await cached.cache.invalidate({ tag: 'prices' });
    library.documents = ['new'];

    expect((await cached.post('events', question)).text).toContain('new');
  });
});
