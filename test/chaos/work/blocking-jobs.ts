import type { Random } from '../faults.js';
import type { Client } from './clients.js';
import type { Job } from './job.js';

/** BLPOP on a client of its own, and the RPUSH that ends its wait. */
export function blockingPop(
  name: string,
  { consumer, producer }: { consumer: Client; producer: Client },
  { timeoutSeconds, pushEveryMs }: { timeoutSeconds: () => number; pushEveryMs: () => number },
): Job[] {
  const key = `list:${name}`;
  let pushed = 0;
  return [
    {
      name,
      waits: true,
      pauseMs: () => 5,
      round: async () => {
        await consumer.blpop(key, timeoutSeconds());
      },
    },
    {
      name: `RPUSH for ${name}`,
      pauseMs: pushEveryMs,
      round: async () => {
        await producer.rpush(key, String((pushed += 1)));
      },
    },
  ];
}

/** XREAD BLOCK goes on after the last entry it has seen, so that no confirmed XADD may be missed. */
export function streamReader(
  { consumer, producer }: { consumer: Client; producer: Client },
  random: Random,
): Job[] {
  const key = 'stream';
  const confirmed = new Set<string>();
  const seen = new Set<string>();
  let added = 0;
  let lastId = '0';
  return [
    {
      name: 'XREAD BLOCK',
      waits: true,
      pauseMs: () => 5,
      round: async () => {
        const block = random.pick([0, 300, 2_000]);
        const streams = await consumer.xread('BLOCK', block, 'STREAMS', key, lastId);
        for (const [id, [, value]] of streams?.[0]?.[1] ?? []) {
          lastId = id;
          if (value !== undefined) seen.add(value);
        }
      },
    },
    {
      name: 'XADD',
      pauseMs: () => 50 + random.below(2_500),
      round: async () => {
        const value = String((added += 1));
        await producer.xadd(key, '*', 'n', value);
        confirmed.add(value);
      },
      finally: {
        wanted: 'XREAD saw every entry that was confirmed',
        holds: () => [...confirmed].every((value) => seen.has(value)),
        seen: () => `${seen.size} seen, ${confirmed.size} confirmed`,
      },
    },
  ];
}
