import type { NetConnectOpts } from 'node:net';
import { LocalAzureError } from '../local-azure.errors.js';
import { until, untilSettled } from './cluster-agreement.js';
import { ClusterNode, type NodeSettings } from './cluster-node.js';
import { nodesConf, planCluster, type PlannedNode } from './cluster-plan.js';
import { freeNodePorts } from './free-node-ports.js';
import type { ClusterControl, RedisBackend } from './redis-backend.js';
import { RunningCluster } from './running-cluster.js';

const FAST_DEADLINE_MS = 5_000;
const SLOW_DEADLINE_MS = 15_000;

export interface RedisClusterOptions extends NodeSettings {
  readonly description: string;
  /** How many replicas each master has. */
  readonly replicas: number;
  /** Ports of the front doors, which the nodes announce; asked for at each start. */
  readonly announcedPorts: () => readonly number[];
}

/** Nodes that announce their front doors, so that clients find only those. */
export class RedisCluster implements RedisBackend {
  readonly #options: RedisClusterOptions;
  #running: RunningCluster | undefined;

  constructor(options: RedisClusterOptions) {
    this.#options = options;
  }

  get description(): string {
    return `cluster of ${this.#options.announcedPorts().length} nodes, ${this.#options.description}`;
  }

  get passwords(): ReadonlyMap<string, string> {
    return this.#options.users.passwords;
  }

  get cluster(): ClusterControl {
    if (this.#running) return this.#running;
    throw new LocalAzureError(
      'STOPPED',
      'The cluster does not run. Start it with restartServer() first.',
    );
  }

  address(frontDoorPort: number): NetConnectOpts | undefined {
    return this.#running?.nodes.find(({ announcedPort }) => announcedPort === frontDoorPort)
      ?.address;
  }

  /** In 0.15 s where the Redis plays along, else by the book in 2 s; replicas take 1 s more. */
  async start(): Promise<void> {
    if (this.#running) return;
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
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }

  freeze(): void {
    for (const node of this.#running?.nodes ?? []) node.freeze();
  }

  thaw(): void {
    for (const node of this.#running?.nodes ?? []) node.thaw();
  }

  async #tryToStart(ghosts: boolean): Promise<void> {
    const { announcedPorts, replicas } = this.#options;
    const announced = announcedPorts();
    const plan = planCluster(await freeNodePorts(announced.length), announced, replicas);
    const started = await Promise.allSettled(
      plan.map((node) => ClusterNode.start(node, nodesConf(plan, node, ghosts), this.#options)),
    );
    const nodes = started.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    this.#running = new RunningCluster(nodes, this.#options);
    for (const result of started) {
      if (result.status === 'rejected') throw result.reason;
    }
    const deadline = Date.now() + (ghosts ? FAST_DEADLINE_MS : SLOW_DEADLINE_MS);
    if (ghosts) await replaceGhosts(nodes, plan, deadline);
    await untilSettled(nodes, deadline);
  }
}

/** Turns replicas of ghosts into masters, their replicas to them, and forgets the ghosts. */
async function replaceGhosts(
  nodes: readonly ClusterNode[],
  plan: readonly PlannedNode[],
  deadline: number,
): Promise<void> {
  const ids = plan.map(({ id }) => id);
  await until(deadline, 'all nodes are linked', async () => {
    const views = await Promise.all(nodes.map((node) => node.view()));
    return views.every((view) => ids.every((id) => view.get(id)?.isReachable));
  });
  const planOf = new Map(plan.map((planned) => [planned.id, planned]));
  for (const node of nodes) {
    const isMaster = planOf.get(node.id)?.masterId === undefined;
    if (isMaster) await node.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
  }
  await until(deadline, 'no node follows a ghost', async () => {
    const parts = await Promise.all(nodes.map((node) => node.part()));
    return parts.every(({ id, masterId }) => masterId === planOf.get(id)?.masterId);
  });
  await untilSeen(nodes, plan, deadline);
  const ghosts = new Set(plan.map(({ ghostId }) => ghostId));
  await Promise.all(
    nodes.flatMap((node) => [...ghosts].map((ghost) => node.call('CLUSTER', 'FORGET', ghost))),
  );
}

/** Whoever forgets a ghost before its slots have a new owner has slots without one. */
async function untilSeen(
  nodes: readonly ClusterNode[],
  plan: readonly PlannedNode[],
  deadline: number,
): Promise<void> {
  const masters = plan.filter(({ masterId }) => masterId === undefined);
  await until(deadline, 'all nodes know the masters', async () => {
    const views = await Promise.all(nodes.map((node) => node.view()));
    return views.every((view) =>
      masters.every(({ id, slots }) => view.get(id)?.slots.join() === slots),
    );
  });
}
