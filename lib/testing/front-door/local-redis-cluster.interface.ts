/**
 * What can be made to happen to the cluster; nodes are counted like `ports`: 3 masters, then their
 * replicas in the same order. Changes follow each other, and each ends in bounded time,
 * done or failed (15 s at most where all nodes answer). All throw `NOT_SUPPORTED` standalone.
 *
 * @publicApi
 */
export interface LocalRedisCluster {
  /** Moves a slot, keys included, from one node to another; clients learn of it by MOVED. */
  moveSlot(slot: number, fromIndex: number, toIndex: number): Promise<void>;
  /**
   * Leaves a slot between two nodes, with half of its keys moved: for those, and for keys that do
   * not exist, clients get ASK. Resolves with the keys that were moved.
   */
  beginSlotMigration(slot: number, fromIndex: number, toIndex: number): Promise<readonly string[]>;
  /** Moves the rest, and from then on clients get MOVED. */
  finishSlotMigration(slot: number): Promise<void>;
  /**
   * A replica takes over its master in good order: no confirmed write is lost, and the old master
   * becomes the replica. `index` names any node of the shard. Resolves with the index of the new
   * master, once all nodes know it. Throws `NOT_SUPPORTED` without a replica.
   *
   * @default 0
   */
  failover(index?: number): Promise<number>;
  /**
   * Kills the master of a shard (SIGKILL; its port refuses connections) and lets a replica take
   * over: writes of the last moment may be lost. Resolves like `failover()`. `connection.port` is
   * the door of node 0: a client that knows no other node yet waits until `restartNode(0)`.
   *
   * @default 0
   */
  killMaster(index?: number): Promise<number>;
  /** Starts a killed node again, empty, as a replica of the master that has the fewest. */
  restartNode(index: number): Promise<void>;
  /** A master without slots joins; takes 2 s. Resolves with its index. */
  addNode(): Promise<number>;
  /**
   * The other masters get the slots and the replicas of the node, and it leaves. Nodes behind it
   * are counted one lower from then on.
   */
  removeNode(index: number): Promise<void>;
}
