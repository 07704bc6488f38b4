import { EventEmitter } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import type { RedisToken } from '../token/redis-token.js';
import { inspectConcisely } from './concise-inspection.js';
import { lateBoundCredentials } from './late-bound-credentials.js';
import { ManagedConnection } from './managed-connection.js';

interface ConnectionRegistryEvents {
  ready: [connection: ManagedConnection];
  closed: [connection: ManagedConnection, token: RedisToken | undefined];
  beforeCommand: [connection: ManagedConnection];
  transactionEnded: [connection: ManagedConnection];
}

/**
 * Knows every live connection that authenticates with our tokens: the clients we made or were
 * given, their duplicates, cluster nodes as they come and go, and the cluster's subscribers.
 */
export class ConnectionRegistry extends EventEmitter<ConnectionRegistryEvents> {
  readonly #tokens: EntraTokenManager;
  readonly #handshakeMs: number;
  readonly #known = new WeakSet<Redis | Cluster>();
  readonly #live = new Set<ManagedConnection>();

  constructor(tokens: EntraTokenManager, handshakeMs: number) {
    super();
    this.#tokens = tokens;
    this.#handshakeMs = handshakeMs;
  }

  /** Connections with a finished handshake. */
  get live(): ReadonlySet<ManagedConnection> {
    return this.#live;
  }

  manage<Client extends Redis | Cluster>(client: Client): Client {
    if (this.#known.has(client)) return client;
    this.#known.add(client);
    if (isCluster(client)) this.#manageCluster(client);
    else this.#manageInstance(client);
    this.#manageDuplicates(client);
    inspectConcisely(client);
    return client;
  }

  #manageInstance(redis: Redis): void {
    Object.assign(redis.options, lateBoundCredentials(this.#tokens));
    new ManagedConnection(redis, this.#tokens, this.#handshakeMs).watch({
      ready: (connection) => {
        this.#live.add(connection);
        this.emit('ready', connection);
      },
      closed: (connection, token) => {
        this.#live.delete(connection);
        this.emit('closed', connection, token);
      },
      beforeCommand: (connection) => this.emit('beforeCommand', connection),
      transactionEnded: (connection) => this.emit('transactionEnded', connection),
    });
  }

  /** duplicate() copies options but no listeners; the copy, and copies of it, are ours too. */
  #manageDuplicates(client: Redis | Cluster): void {
    const duplicate: (...args: never[]) => Redis | Cluster = client.duplicate.bind(client);
    Object.defineProperty(client, 'duplicate', {
      configurable: true,
      value: (...args: never[]) => this.manage(duplicate(...args)),
    });
  }

  #manageCluster(cluster: Cluster): void {
    const watchSubscribers = (): void => {
      for (const subscriber of subscribersOf(cluster)) {
        if (this.#known.has(subscriber)) continue;
        this.manage(subscriber);
        // ioredis never reconnects a subscriber, it makes another one in the same tick.
        subscriber.once('end', watchSubscribers);
      }
    };
    // Subscribers may be chosen by listeners that run after ours.
    const changed = (): void => queueMicrotask(watchSubscribers);
    cluster.on('+node', (node: Redis) => {
      this.manage(node);
      changed();
    });
    for (const event of ['-node', '+subscriber', '-subscriber', 'connecting', 'ready']) {
      cluster.on(event, changed);
    }
    for (const node of cluster.nodes('all')) this.manage(node);
    watchSubscribers();
  }
}

/**
 * The connections behind `cluster.subscribe()` and `cluster.ssubscribe()`. ioredis keeps them
 * private and outside `nodes()`; should a version move them, they are missed here: the contract
 * tests run on every supported version.
 */
function subscribersOf(cluster: Cluster): Redis[] {
  const classic: unknown = Reflect.get(cluster, 'subscriber');
  const group: unknown = Reflect.get(cluster, 'shardedSubscribers');
  const sharded: unknown =
    typeof group === 'object' && group !== null
      ? Reflect.get(group, 'shardedSubscribers')
      : undefined;
  const holders: unknown[] = [classic, ...(sharded instanceof Map ? sharded.values() : [])];
  return holders.map(instanceOf).filter((instance) => instance !== undefined);
}

function instanceOf(holder: unknown): Redis | undefined {
  if (typeof holder !== 'object' || holder === null || !('getInstance' in holder)) return undefined;
  const { getInstance } = holder;
  return typeof getInstance === 'function' ? (getInstance.call(holder) ?? undefined) : undefined;
}

/** Not `instanceof`: the instance may come from another copy or version of ioredis. */
function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster;
}
