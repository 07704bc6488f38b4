import type { LocalRedisCluster } from './local-redis-cluster.interface.js';

/**
 * The front door of the local Azure: counters and faults over all nodes. A fault lasts until
 * `recover()`, or for the number of times given.
 *
 * @publicApi
 */
export interface LocalRedisFront extends LocalRedisCluster {
  /** AUTHs and HELLO AUTHs with a valid token. */
  readonly auths: number;
  /** AUTHs and HELLO AUTHs that were refused. */
  readonly rejected: number;
  /** Connections that were closed because their token ran out. */
  readonly expired: number;
  /** Client sockets that are open now. */
  readonly connections: number;
  /** Commands received, those of the handshake included. */
  readonly commands: number;
  /** Port of each node's front door. */
  readonly ports: readonly number[];
  /** Sets `auths`, `rejected`, `expired` and `commands` to 0. */
  resetStatistics(): void;
  /** Closes all connections: in order, or by a TCP reset. @default 'fin' */
  kill(how?: 'fin' | 'rst'): void;
  /** Closes all connections and refuses new ones (ECONNREFUSED). */
  refuse(): void;
  /** TLS works and no command is answered; `recover()` lets the replies through, late. */
  stall(): void;
  /** Open and new connections lead nowhere, for ever: no byte, no TLS, no end. */
  blackhole(): void;
  /** Replies take this many milliseconds longer. */
  delay(ms: number): void;
  /** AUTH takes this many milliseconds longer, and all commands behind it wait. */
  delayAuth(ms: number): void;
  /** The next AUTHs get WRONGPASS, whatever their token; a session in progress stays valid. */
  rejectAuth(times?: number): void;
  /**
   * The next commands get this error, e.g. `READONLY You can't write against a read only
   * replica.`; several calls follow each other. AUTH, HELLO, CLIENT, SELECT, INFO, CLUSTER, QUIT
   * and RESET are left alone, so that clients can connect.
   */
  failCommands(message: string, times?: number): void;
  /** Redis refuses the identity from now on and closes its connections. @default the application */
  revoke(objectId?: string): void;
  /** Ends all faults, `freeze()` included; a server that was shut down stays so. */
  recover(): void;
  /** Stops the redis-server processes in their tracks (SIGSTOP). */
  freeze(): void;
  thaw(): void;
  /** Kills redis-server: connections close, new ones are refused, the data is gone. */
  shutdownServer(): Promise<void>;
  /**
   * Starts redis-server again, empty, on the same address; a cluster has its slots in equal parts
   * on all its masters.
   */
  restartServer(): Promise<void>;
}
