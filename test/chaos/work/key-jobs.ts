import type { Random } from '../faults.js';
import type { Journal } from '../journal.js';
import { resultsOf, type Client } from './clients.js';
import type { Job } from './job.js';

/** Hash tags that reach all nodes of a cluster. */
const TAGS = 24;

/** GET sees what a confirmed SET has written. */
export function getAndSet(client: Client, random: Random, journal: Journal): Job {
  let step = 0;
  return {
    name: 'GET and SET',
    pauseMs: () => 20 + random.below(60),
    round: async () => {
      const key = `{${random.below(TAGS)}}:value`;
      const value = String((step += 1));
      await client.set(key, value);
      const read = await client.get(key);
      if (read !== value) journal.violated(`SET ${value} was confirmed and GET read ${read}`);
    },
  };
}

export function pipeline(client: Client, random: Random, journal: Journal): Job {
  let step = 0;
  return {
    name: 'pipeline',
    pauseMs: () => 40 + random.below(80),
    round: async () => {
      const key = `{${random.below(TAGS)}}:pipeline`;
      const value = String((step += 1));
      const results = resultsOf(await client.pipeline().set(key, value).get(key).exec());
      if (results[1] !== value)
        journal.violated(`a pipeline wrote ${value} and read ${String(results[1])}`);
    },
  };
}

/**
 * On a client with `enableAutoPipelining`; all of one slot, because an ioredis Cluster that misses
 * a node cannot repeat an auto-pipeline of several slots, whose MOVED replies differ.
 */
export function autoPipelining(client: Client, random: Random, journal: Journal): Job {
  let step = 0;
  return {
    name: 'auto-pipelining',
    pauseMs: () => 40 + random.below(80),
    round: async () => {
      const value = String((step += 1));
      const tag = random.below(TAGS);
      const keys = [1, 2, 3, 4, 5].map((each) => `{${tag}}:auto:${each}`);
      await Promise.all(keys.map((key) => client.set(key, value)));
      const read = await Promise.all(keys.map((key) => client.get(key)));
      if (read.some((each) => each !== value)) {
        journal.violated(
          `auto-pipelined SETs of ${value} were confirmed and GETs read ${read.join()}`,
        );
      }
    },
  };
}

/** `multi()…exec()`, which ioredis writes in one go. */
export function transaction(client: Client, random: Random, journal: Journal): Job {
  let step = 0;
  return {
    name: 'MULTI',
    pauseMs: () => 40 + random.below(80),
    round: async () => {
      const key = `{${random.below(TAGS)}}:multi`;
      const value = String((step += 1));
      const results = resultsOf(await client.multi().set(key, value).get(key).exec());
      if (results.length !== 2 || results[1] !== value) {
        journal.violated(`EXEC of SET ${value} and GET gave ${JSON.stringify(results)}`);
      }
    },
  };
}
