import { Redis } from 'ioredis';
import type { PlannedNode } from './cluster-plan.js';

const POLL_MS = 5;
const MIGRATE_TIMEOUT_MS = 5_000;

/** Our own connections to the nodes, past the front doors. */
export class ClusterAdmin {
  readonly #nodes: readonly PlannedNode[];
  readonly #user: { readonly username: string; readonly password: string };
  readonly #clients: readonly Redis[];

  constructor(
    nodes: readonly PlannedNode[],
    user: { readonly username: string; readonly password: string },
  ) {
    this.#nodes = nodes;
    this.#user = user;
    this.#clients = nodes.map(({ port }) => {
      const client = new Redis({
        ...user,
        host: '127.0.0.1',
        port,
        retryStrategy: () => null,
        enableReadyCheck: false,
      });
      client.on('error', () => undefined);
      return client;
    });
  }

  /** Turns replicas of ghosts into masters, and forgets the ghosts. */
  async takeOver(deadline: number): Promise<void> {
    await this.#each(deadline, (text) => nodeLines(text).filter(isLinked).length === this.#others);
    for (const client of this.#clients) await client.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await this.#untilAgreed(deadline);
    await Promise.all(
      this.#clients.flatMap((client) =>
        this.#nodes.map(({ ghostId }) => client.call('CLUSTER', 'FORGET', ghostId)),
      ),
    );
  }

  /** Resolves when every node knows every owner and accepts writes. */
  async untilReady(deadline: number): Promise<void> {
    await this.#untilAgreed(deadline);
    await Promise.all(
      this.#clients.map((client) =>
        until(deadline, async () =>
          String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
        ),
      ),
    );
  }

  async moveSlot(slot: number, from: number, to: number): Promise<void> {
    const [source, target] = [this.#clients[from], this.#clients[to]];
    const [sourceNode, targetNode] = [this.#nodes[from], this.#nodes[to]];
    if (!source || !target || !sourceNode || !targetNode) {
      throw new RangeError(
        `Expected two nodes from 0 to ${this.#clients.length - 1}, got ${from} and ${to}`,
      );
    }
    await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceNode.id);
    await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetNode.id);
    const { username, password } = this.#user;
    const nextKeys = async (): Promise<string[]> =>
      (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
    for (let keys = await nextKeys(); keys.length > 0; keys = await nextKeys()) {
      const destination = ['127.0.0.1', targetNode.port, '', 0, MIGRATE_TIMEOUT_MS];
      const credentials = ['AUTH2', username, password];
      await source.call('MIGRATE', ...destination, ...credentials, 'KEYS', ...keys);
    }
    // The new owner first: otherwise there is a moment in which nobody owns the slot.
    for (const client of [target, source]) {
      await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetNode.id);
    }
    const others = this.#clients.filter((client) => client !== source && client !== target);
    for (const client of others)
      await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetNode.id);
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }

  get #others(): number {
    return this.#nodes.length - 1;
  }

  /** Each node sees each planned node as the master of its slots. */
  async #untilAgreed(deadline: number): Promise<void> {
    await this.#each(deadline, (text) =>
      this.#nodes.every(({ id, firstSlot, lastSlot }) =>
        nodeLines(text).some(
          ([own, , flags, , , , , , ...slots]) =>
            own === id && flags?.includes('master') && slots.includes(`${firstSlot}-${lastSlot}`),
        ),
      ),
    );
  }

  async #each(deadline: number, holds: (clusterNodes: string) => boolean): Promise<void> {
    await Promise.all(
      this.#clients.map((client) =>
        until(deadline, async () => holds(String(await client.call('CLUSTER', 'NODES')))),
      ),
    );
  }
}

const nodeLines = (clusterNodes: string): string[][] =>
  clusterNodes
    .trim()
    .split('\n')
    .map((line) => line.split(' '));

const isLinked = ([, , flags, , , , , link]: readonly string[]): boolean =>
  link === 'connected' && flags?.includes('myself') === false;

async function until(deadline: number, isReached: () => Promise<boolean>): Promise<void> {
  while (!(await isReached())) {
    if (Date.now() > deadline) throw new Error('The cluster did not come together in time');
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}
