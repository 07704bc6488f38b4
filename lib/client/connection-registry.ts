import { EventEmitter } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import { inspectConcisely } from './concise-inspection.js';
import { ManagedConnection } from './managed-connection.js';

interface ConnectionRegistryEvents {
  ready: [connection: ManagedConnection];
  closed: [connection: ManagedConnection];
}

/**
 * Knows every live connection that authenticates with our tokens: the clients we made, their
 * duplicates, cluster nodes as they come and go, and the cluster's subscriber.
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
    new ManagedConnection(redis, this.#tokens, this.#handshakeMs).watch({
      ready: (connection) => {
        this.#live.add(connection);
        this.emit('ready', connection);
      },
      closed: (connection) => {
        this.#live.delete(connection);
        this.emit('closed', connection);
      },
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
    const watchSubscriber = (): void => {
      const subscriber = classicSubscriberOf(cluster);
      if (subscriber === undefined || this.#known.has(subscriber)) return;
      this.manage(subscriber);
      // ioredis never reconnects a subscriber, it makes another one in the same tick.
      subscriber.once('end', watchSubscriber);
    };
    // The subscriber may be chosen by a listener that runs after ours.
    const nodesChanged = (): void => queueMicrotask(watchSubscriber);
    cluster.on('+node', (node: Redis) => {
      this.manage(node);
      nodesChanged();
    });
    cluster.on('-node', nodesChanged);
    for (const node of cluster.nodes('all')) this.manage(node);
    watchSubscriber();
  }
}

/**
 * The connection behind `cluster.subscribe()`. ioredis keeps it private and outside `nodes()`;
 * should a version move it, it is missed here and found by nobody else: the contract tests run
 * on every supported version.
 */
function classicSubscriberOf(cluster: Cluster): Redis | undefined {
  const holder: unknown = Reflect.get(cluster, 'subscriber');
  if (typeof holder !== 'object' || holder === null || !('getInstance' in holder)) return undefined;
  const { getInstance } = holder;
  return typeof getInstance === 'function' ? (getInstance.call(holder) ?? undefined) : undefined;
}

/** Not `instanceof`: the instance may come from another copy or version of ioredis. */
function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster;
}
