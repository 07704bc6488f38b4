import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { PATH } from '../load/path.js';
import { POST_UNIQUE_STREAM, UNIQUE } from '../plan/requests.js';
import type { Bench } from '../run/bench.js';
import { median } from '../run/medians.js';

const WARM_UP = 200;
const REQUESTS = 300;
const ANSWERED_WITHIN_MS = 10_000;

/** In milliseconds; one request at a time, to one server and the other in turn. */
export async function firstByteDelay(bench: Bench): Promise<number> {
  await bench.redis.clear();
  const platform = 'fastify';
  return bench.withServer('nest', { platform, route: 'stream' }, (without) =>
    bench.withServer('nest', { platform, route: 'cached-stream' }, async (cached) => {
      const agent = new Agent({ keepAlive: true });
      const before: number[] = [];
      const after: number[] = [];
      for (let asked = 0; asked < WARM_UP + REQUESTS; asked += 1) {
        const first = await firstByteOf(without.url, agent);
        const second = await firstByteOf(cached.url, agent);
        if (asked < WARM_UP) continue;
        before.push(first);
        after.push(second);
      }
      agent.destroy();
      return (median(after) ?? Infinity) - (median(before) ?? 0);
    }),
  );
}

/** From the last byte of the request to the first one of the answer, in milliseconds. */
async function firstByteOf(url: string, agent: Agent): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(ANSWERED_WITHIN_MS);
  const asked = request(`${url}${PATH}`, { method: 'POST', agent, headers, signal });
  const responded = once(asked, 'response');
  asked.end(POST_UNIQUE_STREAM.body?.replace(UNIQUE, randomUUID()));
  const startedAt = performance.now();
  const [response]: IncomingMessage[] = await responded;
  if (response?.statusCode !== 200) throw new Error(`Expected 200, got ${response?.statusCode}.`);
  // Both may come in one piece.
  const ended = once(response, 'end');
  await once(response, 'data');
  const tookMs = performance.now() - startedAt;
  await ended;
  return tookMs;
}
