import { EventEmitter } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import { inspectConcisely } from './concise-inspection.js';
import { lateBoundCredentials } from './late-bound-credentials.js';
import {
  gateSubscriberSelection,
  subscribersOf,
  unblockShardedSubscribers,
} from './cluster-subscribers.js';
import { ManagedConnection } from './managed-connection.js';

interface ConnectionRegistryEvents {
  ready: [connection: ManagedConnection];
  closed: [connection: ManagedConnection, isExpired: boolean];
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
    for (const connection of this.#live) {
      // ioredis takes all listeners from a subscriber that it gives up, ours for 'close' too.
      if (connection.redis.status === 'end') this.#forget(connection, false);
    }
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
      closed: (connection, isExpired) => this.#forget(connection, isExpired),
      beforeCommand: (connection) => this.emit('beforeCommand', connection),
      transactionEnded: (connection) => this.emit('transactionEnded', connection),
    });
  }

  #forget(connection: ManagedConnection, isExpired: boolean): void {
    this.#live.delete(connection);
    this.emit('closed', connection, isExpired);
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
    const manageSubscribers = (): void => {
      for (const subscriber of subscribersOf(cluster)) this.manage(subscriber);
    };
    gateSubscriberSelection(cluster, this.#tokens, manageSubscribers);
    unblockShardedSubscribers(cluster);
    cluster.on('+node', (node: Redis) => this.manage(node));
    // Subscribers may be chosen by listeners that run after ours.
    for (const event of ['+node', '-node', '+subscriber', '-subscriber', 'ready']) {
      cluster.on(event, () => queueMicrotask(manageSubscribers));
    }
    for (const node of cluster.nodes('all')) this.manage(node);
    manageSubscribers();
  }
}

/** Not `instanceof`: the instance may come from another copy or version of ioredis. */
function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster;
}
