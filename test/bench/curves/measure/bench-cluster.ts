import { setTimeout as sleep } from 'node:timers/promises';
import { nodesConf, planCluster } from '../../../../lib/testing/redis-server/cluster-plan.js';
import { freeNodePorts } from '../../../../lib/testing/redis-server/free-node-ports.js';
import type { Workspace } from '../../../../lib/testing/workspace.js';
import { createTlsSetup, TlsRedis } from '../../run/tls-redis.js';
import type { RedisAddress } from '../../servers/settings.js';

const SERVES_WITHIN_MS = 15_000;
const POLL_MS = 50;
const NODES_CONF = 'nodes.conf';

const CONFIG = ['cluster-enabled yes', `cluster-config-file ${NODES_CONF}`, 'tls-cluster yes'];

/** Masters that speak TLS, like the standalone Redis of the bench. */
export class BenchCluster {
  readonly #nodes: readonly TlsRedis[];

  private constructor(nodes: readonly TlsRedis[]) {
    this.#nodes = nodes;
  }

  /** Resolves when all nodes take writes. */
  static async start(workspace: Workspace, count: number): Promise<BenchCluster> {
    const setup = createTlsSetup();
    const ports = await freeNodePorts(count);
    const plan = planCluster(ports, ports, 0);
    const starting = plan.map((node) =>
      TlsRedis.start(workspace, setup, node.port, CONFIG, {
        [NODES_CONF]: nodesConf(plan, node, false),
      }),
    );
    const started = await Promise.allSettled(starting);
    const cluster = new BenchCluster(
      started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    );
    try {
      await Promise.all(starting);
      await cluster.#untilAllServe();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Of the node that clients begin with. */
  get address(): RedisAddress {
    const [first] = this.#nodes;
    if (first === undefined) throw new RangeError('Expected a cluster of one node at least.');
    return { ...first.address, isCluster: true };
  }

  /** How many keys each node has. */
  sizes(): Promise<readonly number[]> {
    return Promise.all(this.#nodes.map(({ client }) => client.dbsize()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  async #untilAllServe(): Promise<void> {
    const deadline = Date.now() + SERVES_WITHIN_MS;
    while (!(await this.#allServe())) {
      if (Date.now() > deadline) {
        throw new Error(`The cluster did not serve within ${SERVES_WITHIN_MS / 1_000} s.`);
      }
      await sleep(POLL_MS);
    }
  }

  async #allServe(): Promise<boolean> {
    const states = await Promise.all(
      this.#nodes.map(async ({ client }) => String(await client.call('CLUSTER', 'INFO'))),
    );
    return states.every((state) => state.includes('cluster_state:ok'));
  }
}
