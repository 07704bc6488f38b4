import type { Cache } from '@nestjs/cache-manager';
import { RedisKeyv } from '../store/redis-keyv.js';
import { isStreamedAnswer } from './policy/streamed-answer.js';

/**
 * The cache manager as the stock `CacheInterceptor` may use it: a streamed answer is never
 * stored, because a cache manager turns it into `{}`; nor is nothing, which is never a hit.
 *
 * A failed write ends here, because the stock interceptor logs the answer with it.
 *
 * A `get` of the module's own cache manager may result in a `StoredJson`.
 */
export function guardStockCacheManager(manager: Cache, onWriteFailure: () => void): Cache {
  const set: Cache['set'] = async (key, value, ...ttl) => {
    try {
      if (value === undefined || value === null || isStreamedAnswer(value)) return value;
      return await manager.set(key, value, ...ttl);
    } catch {
      onWriteFailure();
      return value;
    }
  };
  const [keyv, ...others] = manager.stores;
  const own = keyv instanceof RedisKeyv && others.length === 0 ? keyv : undefined;
  return new Proxy(manager, {
    get(target, property) {
      if (property === 'set') return set;
      if (property === 'get' && own !== undefined) return (key: string) => own.getStored(key);
      const member: unknown = Reflect.get(target, property, target);
      // Bound to the manager, whose private members a proxy cannot reach.
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
