import { createServer, type NetConnectOpts, type Server } from 'node:net';
import { listenOn, listenInRange, NODE_PORTS } from '../front-door/loopback-port.js';
import { LocalAzureError } from '../local-azure.errors.js';
import type { AclUsers } from './acl-users.js';
import { ClusterAdmin } from './cluster-admin.js';
import { busPort, nodesConf, planCluster, type PlannedNode } from './cluster-plan.js';
import type { RedisBackend } from './redis-backend.js';
import { RedisProcess } from './redis-process.js';
import { inMemory } from './standalone-redis.js';

const FAST_DEADLINE_MS = 3_000;
const SLOW_DEADLINE_MS = 15_000;
const PORT_ATTEMPTS = 30;

export interface RedisClusterOptions {
  readonly program: string;
  readonly description: string;
  readonly workspace: string;
  readonly users: AclUsers;
  readonly announce: 'ip' | 'hostname';
  readonly announcedPorts: () => readonly number[];
  readonly onLoss: (log: string) => void;
}

/** Masters that announce their front doors, so that clients find only those. */
export class RedisCluster implements RedisBackend {
  readonly #options: RedisClusterOptions;
  #processes: RedisProcess[] = [];
  #nodes: readonly PlannedNode[] = [];
  #admin: ClusterAdmin | undefined;

  constructor(options: RedisClusterOptions) {
    this.#options = options;
  }

  get description(): string {
    return `cluster of ${this.#options.announcedPorts().length} nodes, ${this.#options.description}`;
  }

  get addresses(): readonly NetConnectOpts[] {
    return this.#nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  get passwords(): ReadonlyMap<string, string> {
    return this.#options.users.passwords;
  }

  /** In 0.15 s where the Redis plays along, else by the book in 2 s. */
  async start(): Promise<void> {
    if (this.#processes.length > 0) return;
    const problems: unknown[] = [];
    for (const ghosts of [true, true, false, false]) {
      try {
        await this.#tryToStart(ghosts);
        return;
      } catch (error) {
        problems.push(error);
        await this.stop();
      }
    }
    throw new LocalAzureError(
      'REDIS_NOT_STARTED',
      `No cluster of ${this.#options.description}: ${String(problems.at(-1))}`,
      { cause: new AggregateError(problems) },
    );
  }

  async stop(): Promise<void> {
    this.#admin?.close();
    this.#admin = undefined;
    const running = this.#processes;
    this.#processes = [];
    await Promise.all(running.map((node) => node.stop()));
  }

  freeze(): void {
    for (const node of this.#processes) node.freeze();
  }

  thaw(): void {
    for (const node of this.#processes) node.thaw();
  }

  async moveSlot(slot: number, fromIndex: number, toIndex: number): Promise<void> {
    await this.#admin?.moveSlot(slot, fromIndex, toIndex);
  }

  async #tryToStart(ghosts: boolean): Promise<void> {
    const announced = this.#options.announcedPorts();
    const ports = await freeNodePorts(announced.length);
    this.#nodes = planCluster(ports, announced);
    const started = await Promise.allSettled(
      this.#nodes.map((node) => this.#startNode(node, ghosts)),
    );
    for (const result of started) {
      if (result.status === 'fulfilled') this.#processes.push(result.value);
    }
    for (const result of started) {
      if (result.status === 'rejected') throw result.reason;
    }
    const deadline = Date.now() + (ghosts ? FAST_DEADLINE_MS : SLOW_DEADLINE_MS);
    this.#admin = new ClusterAdmin(this.#nodes, this.#options.users.admin);
    if (ghosts) await this.#admin.takeOver(deadline);
    await this.#admin.untilReady(deadline);
  }

  #startNode(node: PlannedNode, ghosts: boolean): Promise<RedisProcess> {
    const { program, workspace, users, announce, onLoss } = this.#options;
    return RedisProcess.start(
      program,
      workspace,
      (folder) => [
        ...inMemory(folder),
        ...users.config,
        'bind 127.0.0.1',
        `port ${node.port}`,
        'cluster-enabled yes',
        'cluster-config-file nodes.conf',
        'cluster-announce-ip 127.0.0.1',
        `cluster-announce-port ${node.announcedPort}`,
        `cluster-announce-bus-port ${busPort(node.port)}`,
        ...(announce === 'hostname'
          ? ['cluster-announce-hostname localhost', 'cluster-preferred-endpoint-type hostname']
          : []),
      ],
      { 'nodes.conf': nodesConf(this.#nodes, node, ghosts) },
      onLoss,
    );
  }
}

/** Ports that are free now, and whose bus ports are too. */
async function freeNodePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  const held: Server[] = [];
  try {
    for (let attempt = 0; attempt < PORT_ATTEMPTS && found.length < count; attempt += 1) {
      const [client, bus] = [createServer(), createServer()];
      held.push(client, bus);
      const port = await listenInRange(client, NODE_PORTS);
      if (await listenOn(bus, busPort(port))) found.push(port);
    }
  } finally {
    await Promise.all(held.map(closeServer));
  }
  return found;
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
