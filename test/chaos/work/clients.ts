import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import type { Journal } from '../journal.js';

export type Client = Redis | Cluster;

type CopyOptions = Pick<
  RedisOptions & ClusterOptions,
  'enableAutoPipelining' | 'shardedSubscribers'
>;

/** A duplicate whose errors go to the journal. */
export function copyOf(client: Client, journal: Journal, options: CopyOptions = {}): Client {
  const copy =
    client instanceof Cluster ? client.duplicate([], options) : client.duplicate(options);
  copy.on('error', (error: unknown) => journal.errorEvent(error));
  return copy;
}

/** Throws the first error among the results of a pipeline or a transaction. */
export function resultsOf(replies: readonly [Error | null, unknown][] | null): unknown[] {
  return (replies ?? []).map(([error, result]) => {
    if (error !== null) throw error;
    return result;
  });
}
