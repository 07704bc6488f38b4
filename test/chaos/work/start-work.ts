import { Cluster, Redis } from 'ioredis';
import type { AzureRedisConnection } from '../../../lib/client/azure-redis-connection.js';
import type { Random } from '../faults.js';
import type { Journal } from '../journal.js';
import { blockingPop, streamReader } from './blocking-jobs.js';
import { copyOf, type Client } from './clients.js';
import type { Job } from './job.js';
import { autoPipelining, getAndSet, pipeline, transaction } from './key-jobs.js';
import { ownMulti } from './own-multi.js';
import { pubSub, type Subscription } from './pub-sub.js';
import { shortLivedCopies } from './short-lived-copies.js';

export interface Work {
  readonly jobs: readonly Job[];
  /** The long-lived duplicates. */
  readonly copies: readonly Client[];
  /** Of the client and its duplicates, those that never block: they keep their sockets. */
  readonly steady: readonly Client[];
}

type Copy = (options?: Parameters<typeof copyOf>[2]) => Client;

/** The work of one application with all kinds of commands, on a client and its duplicates. */
export async function startWork(
  connection: AzureRedisConnection,
  random: Random,
  journal: Journal,
  { shardsMove }: { shardsMove: boolean },
): Promise<Work> {
  const main: Client = connection.client;
  const copies: Client[] = [];
  const steady = [main];
  const copy: Copy = (options) => {
    const made = copyOf(main, journal, options);
    copies.push(made);
    return made;
  };
  const steadyCopy: Copy = (options) => {
    const made = copy(options);
    steady.push(made);
    return made;
  };
  const standalone = (): Job[] => {
    const own = steadyCopy();
    return own instanceof Redis ? [ownMulti(own, random, journal)] : [];
  };
  const subscriptions = await Promise.all(
    subscriptionsOf(connection, steadyCopy, shardsMove).map((each) =>
      pubSub(each, random, journal),
    ),
  );
  const jobs = [
    getAndSet(main, random, journal),
    pipeline(main, random, journal),
    transaction(main, random, journal),
    autoPipelining(steadyCopy({ enableAutoPipelining: true }), random, journal),
    ...(main instanceof Redis ? standalone() : []),
    ...blockingPop(
      'BLPOP',
      { consumer: copy(), producer: main },
      {
        timeoutSeconds: () => 0.2 + random.below(20) / 10,
        pushEveryMs: () => 100 + random.below(1_500),
      },
    ),
    // Rarely, so that whole token lifetimes pass in one BLPOP.
    ...blockingPop(
      'BLPOP 0',
      { consumer: copy(), producer: main },
      { timeoutSeconds: () => 0, pushEveryMs: () => 500 + random.below(3_500) },
    ),
    ...streamReader({ consumer: copy(), producer: main }, random),
    ...subscriptions,
    shortLivedCopies(main, random, journal),
  ];
  return { jobs, copies, steady };
}

function subscriptionsOf(
  { client: main, connections }: AzureRedisConnection,
  copy: Copy,
  shardsMove: boolean,
): Subscription[] {
  // A cluster's subscribers are made and replaced inside ioredis, which names them.
  const onClusterSubscriberLost = (onLoss: () => void): void => {
    connections.on('closed', ({ redis }) => {
      if (redis.options.connectionName?.includes('subscriber') === true) onLoss();
    });
  };
  const classic = copy();
  const subscriptions: Subscription[] = [
    {
      name: 'PUBLISH',
      // The bus between the nodes of a cluster delivers at most once, and ioredis exchanges a
      // cluster's subscriber without a word. That nothing is lost in quiet times, the bars show.
      mayMiss: main instanceof Cluster,
      publish: (message) => main.publish('news', message),
      listen: (onMessage, onLoss) => {
        classic.on('message', (_channel: string, message: string) => onMessage(message));
        if (classic instanceof Cluster) onClusterSubscriberLost(onLoss);
        else classic.on('close', onLoss);
        return classic.subscribe('news');
      },
    },
  ];
  if (main instanceof Cluster) {
    const sharded = copy({ shardedSubscribers: true });
    subscriptions.push({
      name: 'SPUBLISH',
      // Redis ends the subscription when the shard gets another master; the socket stays.
      mayMiss: shardsMove,
      publish: (message) => main.spublish('shard-news', message),
      listen: (onMessage, onLoss) => {
        sharded.on('smessage', (_channel: string, message: string) => onMessage(message));
        onClusterSubscriberLost(onLoss);
        return sharded.ssubscribe('shard-news');
      },
    });
  }
  return subscriptions;
}
