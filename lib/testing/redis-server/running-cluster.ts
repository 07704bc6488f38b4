import { LocalAzureError } from '../local-azure.errors.js';
import { until, untilSettled } from './cluster-agreement.js';
import { failOver, findShard, successorOf, takeOver } from './cluster-failover.js';
import { ClusterNode, type NodeSettings } from './cluster-node.js';
import { loneNodesConf, nodeId } from './cluster-plan.js';
import { slotsOf } from './cluster-view.js';
import { freeNodePorts } from './free-node-ports.js';
import type { ClusterControl } from './redis-backend.js';
import { beginMigration, moveSlots, type Migration } from './slot-migration.js';

/** Every change of the cluster is done within this time, or fails. */
const CHANGE_DEADLINE_MS = 15_000;

/** The nodes of a cluster between its start and its end. */
export class RunningCluster implements ClusterControl {
  readonly #settings: NodeSettings;
  #nodes: readonly ClusterNode[];
  /** Ids of killed nodes, by the port of their front door. */
  readonly #dead = new Map<number, string>();
  readonly #migrations = new Map<number, Migration>();

  constructor(nodes: readonly ClusterNode[], settings: NodeSettings) {
    this.#nodes = nodes;
    this.#settings = settings;
  }

  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  async moveSlot(slot: number, from: number, to: number): Promise<void> {
    await moveSlots([slot], this.#migration(from, to), this.#nodes);
  }

  async beginSlotMigration(slot: number, from: number, to: number): Promise<readonly string[]> {
    const migration = this.#migration(from, to);
    const moved = await beginMigration(slot, migration);
    this.#migrations.set(slot, migration);
    return moved;
  }

  async finishSlotMigration(slot: number): Promise<void> {
    const migration = this.#migrations.get(slot);
    if (!migration) {
      throw new RangeError(`Expected a slot that beginSlotMigration() opened, got ${slot}`);
    }
    await moveSlots([slot], migration, this.#nodes);
    this.#migrations.delete(slot);
  }

  async failover(node: number): Promise<number> {
    const deadline = Date.now() + CHANGE_DEADLINE_MS;
    const shard = await findShard(this.#nodes, this.#node(node));
    const replica = await successorOf(shard);
    await failOver(shard.master, replica, deadline);
    await untilSettled(this.#nodes, deadline);
    return replica.announcedPort;
  }

  async killMaster(node: number, onKilled: (master: number) => void): Promise<number> {
    const deadline = Date.now() + CHANGE_DEADLINE_MS;
    const shard = await findShard(this.#nodes, this.#node(node));
    const replica = await successorOf(shard);
    await this.#end(shard.master);
    this.#dead.set(shard.master.announcedPort, shard.master.id);
    onKilled(shard.master.announcedPort);
    await takeOver(replica);
    await untilSettled(this.#nodes, deadline);
    return replica.announcedPort;
  }

  async restartNode(node: number): Promise<void> {
    const id = this.#dead.get(node);
    if (id === undefined) {
      throw new RangeError(`Expected a node that was killed, got the one behind port ${node}`);
    }
    const [orphan] = await this.#mastersByReplicas();
    if (!orphan) throw new LocalAzureError('NOT_SUPPORTED', 'No master runs that it could follow.');
    await this.#forget(id);
    this.#dead.delete(node);
    const deadline = Date.now() + CHANGE_DEADLINE_MS;
    await this.#join(node, deadline, async (joined) => {
      await until(deadline, 'the node knows its master', async () =>
        (await joined.view()).has(orphan.id),
      );
      await joined.call('CLUSTER', 'REPLICATE', orphan.id);
    });
  }

  async addNode(node: number): Promise<void> {
    await this.#join(node, Date.now() + CHANGE_DEADLINE_MS);
  }

  async removeNode(port: number): Promise<void> {
    const dead = this.#dead.get(port);
    if (dead !== undefined) {
      await this.#forget(dead);
      this.#dead.delete(port);
      return;
    }
    const node = this.#node(port);
    const { replicas } = await findShard(this.#nodes, node);
    const heirs = (await this.#mastersByReplicas()).filter((master) => master !== node);
    const [first] = heirs;
    const { masterId } = await node.part();
    if (masterId === undefined) {
      if (!first) {
        throw new LocalAzureError('NOT_SUPPORTED', 'The last master of a cluster has to stay.');
      }
      await this.#bequeath(node, heirs);
      for (const replica of replicas) await replica.call('CLUSTER', 'REPLICATE', first.id);
    }
    const others = this.#nodes.filter((other) => other !== node);
    await untilSettled(others, Date.now() + CHANGE_DEADLINE_MS);
    await this.#end(node);
    await this.#forget(node.id);
  }

  /** All slots go to the heirs, in equal parts. */
  async #bequeath(node: ClusterNode, heirs: readonly ClusterNode[]): Promise<void> {
    const slots = slotsOf(await node.part());
    const share = Math.ceil(slots.length / heirs.length);
    for (const [index, heir] of heirs.entries()) {
      const part = slots.slice(index * share, (index + 1) * share);
      const migration = this.#migration(node.announcedPort, heir.announcedPort);
      await moveSlots(part, migration, this.#nodes);
    }
  }

  /** A fresh node at this front door; `prepare` makes it more than a master without slots. */
  async #join(
    announcedPort: number,
    deadline: number,
    prepare?: (node: ClusterNode) => Promise<void>,
  ): Promise<void> {
    const [port] = await freeNodePorts(1);
    if (port === undefined) throw new LocalAzureError('NO_FREE_PORT', 'No port for a node.');
    const address = { id: nodeId(), port, announcedPort };
    const node = await ClusterNode.start(address, loneNodesConf(address), this.#settings);
    const others = this.#nodes;
    this.#nodes = [...others, node];
    try {
      await node.introduceTo(others);
      await prepare?.(node);
      await untilSettled(this.#nodes, deadline);
    } catch (error) {
      await this.#end(node);
      await this.#forget(node.id);
      throw error;
    }
  }

  /** Redis remembers for a minute not to listen to gossip about it. */
  async #forget(id: string): Promise<void> {
    // Unknown to some is fine: that is what is wanted.
    await Promise.allSettled(this.#nodes.map((node) => node.call('CLUSTER', 'FORGET', id)));
  }

  async #end(node: ClusterNode): Promise<void> {
    this.#nodes = this.#nodes.filter((other) => other !== node);
    await node.stop();
  }

  /** Masters with slots, those with the fewest replicas first. */
  async #mastersByReplicas(): Promise<ClusterNode[]> {
    const parts = await Promise.all(this.#nodes.map((node) => node.part()));
    const replicasOf = ({ id }: ClusterNode): number =>
      parts.filter(({ masterId }) => masterId === id).length;
    return this.#nodes
      .filter((_, index) => (parts[index]?.slots.length ?? 0) > 0)
      .toSorted((one, other) => replicasOf(one) - replicasOf(other));
  }

  #migration(from: number, to: number): Migration {
    const { admin } = this.#settings.users;
    return { source: this.#node(from), target: this.#node(to), admin };
  }

  #node(port: number): ClusterNode {
    const found = this.#nodes.find(({ announcedPort }) => announcedPort === port);
    if (found) return found;
    throw new RangeError(`Expected a node that runs, got the one behind port ${port}`);
  }
}
