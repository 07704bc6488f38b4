import type { NetConnectOpts } from 'node:net';
import { Redis } from 'ioredis';
import type { AclUsers } from './acl-users.js';
import { busPort, type NodeAddress } from './cluster-plan.js';
import { readClusterNodes, type ClusterView, type NodeView } from './cluster-view.js';
import { RedisProcess } from './redis-process.js';
import { inMemory } from './standalone-redis.js';

/** A frozen node does not answer us either. */
const COMMAND_TIMEOUT_MS = 5_000;

/** What all nodes have in common. */
export interface NodeSettings {
  readonly program: string;
  readonly workspace: string;
  readonly users: AclUsers;
  readonly announce: 'ip' | 'hostname';
  readonly onLoss: (log: string) => void;
}

/** A running node, and our own connection to it, past the front doors. */
export class ClusterNode {
  readonly id: string;
  /** Names the node: where clients find it, the port of its front door. */
  readonly announcedPort: number;
  readonly #port: number;
  readonly #process: RedisProcess;
  readonly #client: Redis;

  private constructor(address: NodeAddress, process: RedisProcess, { users }: NodeSettings) {
    this.id = address.id;
    this.announcedPort = address.announcedPort;
    this.#port = address.port;
    this.#process = process;
    this.#client = new Redis({
      ...users.admin,
      host: '127.0.0.1',
      port: address.port,
      retryStrategy: () => null,
      enableReadyCheck: false,
      commandTimeout: COMMAND_TIMEOUT_MS,
    });
    this.#client.on('error', () => undefined);
  }

  /** `nodesConf` is what it believes at first. */
  static async start(
    address: NodeAddress,
    nodesConf: string,
    settings: NodeSettings,
  ): Promise<ClusterNode> {
    const { program, workspace, onLoss } = settings;
    const process = await RedisProcess.start(
      program,
      workspace,
      (folder) => [...inMemory(folder), ...nodeConfig(address, settings)],
      { 'nodes.conf': nodesConf },
      onLoss,
    );
    return new ClusterNode(address, process, settings);
  }

  get address(): NetConnectOpts & { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.#port };
  }

  call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.#client.call(command, ...args);
  }

  async view(): Promise<ClusterView> {
    return readClusterNodes(String(await this.call('CLUSTER', 'NODES')));
  }

  /** Its own part, as the node itself sees it. */
  async part(): Promise<NodeView> {
    const self = (await this.view()).get(this.id);
    if (self) return self;
    throw new Error(`The node behind port ${this.announcedPort} does not know itself`);
  }

  async isOk(): Promise<boolean> {
    return String(await this.call('CLUSTER', 'INFO')).includes('cluster_state:ok');
  }

  /** Where it is in the stream of replication, and whether a replica receives it. */
  async replication(): Promise<{ readonly offset: number; readonly isLinked: boolean }> {
    const info = String(await this.call('INFO', 'replication'));
    const offset = /^(?:slave_repl|master_repl)_offset:(\d+)/m.exec(info)?.[1];
    return { offset: Number(offset ?? 0), isLinked: info.includes('master_link_status:up') };
  }

  /**
   * Tells the others what this node is, at once: gossip alone takes seconds. Nodes that know each
   * other learn from a MEET what they learn from a PING.
   */
  async introduceTo(others: readonly ClusterNode[]): Promise<void> {
    for (const other of others) {
      if (other === this) continue;
      const bus = busPort(other.#port);
      await this.call('CLUSTER', 'MEET', '127.0.0.1', other.announcedPort, bus);
    }
  }

  freeze(): void {
    this.#process.freeze();
  }

  thaw(): void {
    this.#process.thaw();
  }

  /** SIGKILL. */
  async stop(): Promise<void> {
    this.#client.disconnect();
    await this.#process.stop();
  }
}

const nodeConfig = (
  { port, announcedPort }: NodeAddress,
  { users, announce }: NodeSettings,
): readonly string[] => [
  ...users.config,
  'bind 127.0.0.1',
  `port ${port}`,
  'cluster-enabled yes',
  'cluster-config-file nodes.conf',
  'cluster-announce-ip 127.0.0.1',
  `cluster-announce-port ${announcedPort}`,
  `cluster-announce-bus-port ${busPort(port)}`,
  // Replicas stay with their master; only we move them.
  'cluster-migration-barrier 100',
  `masteruser ${users.admin.username}`,
  `masterauth ${users.admin.password}`,
  'repl-diskless-sync yes',
  'repl-diskless-sync-delay 0',
  // CLUSTER SLOTS leaves out replicas that have received nothing yet, not even a PING.
  'repl-ping-replica-period 1',
  ...(announce === 'hostname'
    ? ['cluster-announce-hostname localhost', 'cluster-preferred-endpoint-type hostname']
    : []),
];
