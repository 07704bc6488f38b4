import type { NetConnectOpts } from 'node:net';

/** The Redis behind the front doors. */
export interface RedisBackend {
  /** One line that says which Redis this is. */
  readonly description: string;
  /** Where each node listens now; one per front door. */
  readonly addresses: readonly NetConnectOpts[];
  /**
   * The password of each identity's ACL user. `undefined`: this Redis has no ACL, so that the
   * front door itself says OK, WRONGPASS and NOAUTH.
   */
  readonly passwords: ReadonlyMap<string, string> | undefined;
  /** Starts it, and again after a stop; the data is gone then. */
  start(): Promise<void>;
  /** Leaves no process and no file behind. */
  stop(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Moves a slot with its keys to another node of a cluster. */
  moveSlot(slot: number, fromIndex: number, toIndex: number): Promise<void>;
}
