import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { lastValueFrom, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { LlmCacheInterceptor } from '../../../lib/llm-cache/llm-cache.interceptor.js';
import { LlmCacheService } from '../../../lib/llm-cache/llm-cache.service.js';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import type { ByteStore } from '../../../lib/store/byte-store.interface.js';
import type { ScriptStore } from '../../../lib/store/script-store.interface.js';

class Consumer {
  handle(this: void) {}
}

describe('LlmCacheInterceptor outside of HTTP', () => {
  it.each(['rpc', 'ws', 'graphql'])('leaves %s alone', async (type) => {
    const touched: string[] = [];
    const touch = (name: string) => async () => {
      touched.push(name);
      return undefined;
    };
    const store: ByteStore & ScriptStore = {
      runScript: touch('script'),
      getBytes: touch('get'),
      getManyBytes: async () => [],
      setBytes: async () => false,
      deleteBytes: async () => false,
    };
    const notices = {
      nameOf: (name: string) => name,
      listen: async () => undefined,
      tell: () => undefined,
      close: () => undefined,
    };
    const options = resolveAzureRedisOptions({ host: 'cache.example.net' });
    const interceptor = new LlmCacheInterceptor(
      undefined,
      new Reflector(),
      new LlmCacheService(store, notices, options.cache),
    );
    const message = { body: { messages: [] }, method: 'POST' };
    const context = new ExecutionContextHost([message, {}], Consumer, Consumer.prototype.handle);
    context.setType(type);
    const answer = of('first', 'second');

    const result = await interceptor.intercept(context, { handle: () => answer });

    expect(result).toBe(answer);
    expect(await lastValueFrom(result)).toBe('second');
    expect(touched).toEqual([]);
    expect(message).toEqual({ body: { messages: [] }, method: 'POST' });
  });
});
