import type { NetConnectOpts } from 'node:net';

/** The Redis behind the front doors. A node is named by the port of its front door. */
export interface RedisBackend {
  /** One line that says which Redis this is. */
  readonly description: string;
  /**
   * The password of each identity's ACL user. `undefined`: this Redis has no ACL, so that the
   * front door itself says OK, WRONGPASS and NOAUTH.
   */
  readonly passwords: ReadonlyMap<string, string> | undefined;
  /** What only a cluster can do. */
  readonly cluster?: ClusterControl;
  /** Where the node behind this front door listens; `undefined` while it does not run. */
  address(frontDoorPort: number): NetConnectOpts | undefined;
  /** Starts it, and again after a stop; the data is gone then. */
  start(): Promise<void>;
  /** Leaves no process and no file behind. */
  stop(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** Changes of a running cluster; each ends within a bounded time, done or failed. */
export interface ClusterControl {
  moveSlot(slot: number, from: number, to: number): Promise<void>;
  /** Resolves with the keys that are on the target already. */
  beginSlotMigration(slot: number, from: number, to: number): Promise<readonly string[]>;
  finishSlotMigration(slot: number): Promise<void>;
  /** A replica takes over the shard of the node; resolves with the new master. */
  failover(node: number): Promise<number>;
  /** The master of the shard ends by SIGKILL; resolves with the replica that took over. */
  killMaster(node: number, onKilled: (master: number) => void): Promise<number>;
  /** A killed node comes back, empty, as a replica of the shard that has fewest. */
  restartNode(node: number): Promise<void>;
  /** A master without slots joins. */
  addNode(node: number): Promise<void>;
  removeNode(node: number): Promise<void>;
}
