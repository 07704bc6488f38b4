import { LocalAzureError } from '../local-azure.errors.js';
import type { ClusterControl, RedisBackend } from '../redis-server/redis-backend.js';
import type { FrontDoors } from './front-doors.js';
import type { LocalRedisCluster } from './local-redis-cluster.interface.js';

/** What the cluster does, with its front doors: users count nodes, the cluster knows ports. */
export class ClusterChanges implements LocalRedisCluster {
  readonly #doors: FrontDoors;
  readonly #backend: () => RedisBackend;
  /** One change after the other, and none while the server starts or stops. */
  readonly #inTurn: <Result>(change: () => Promise<Result>) => Promise<Result>;

  constructor(
    doors: FrontDoors,
    backend: () => RedisBackend,
    inTurn: <Result>(change: () => Promise<Result>) => Promise<Result>,
  ) {
    this.#doors = doors;
    this.#backend = backend;
    this.#inTurn = inTurn;
  }

  moveSlot(slot: number, fromIndex: number, toIndex: number): Promise<void> {
    return this.#change((cluster) =>
      cluster.moveSlot(slot, this.#doors.portOf(fromIndex), this.#doors.portOf(toIndex)),
    );
  }

  beginSlotMigration(slot: number, fromIndex: number, toIndex: number): Promise<readonly string[]> {
    return this.#change((cluster) =>
      cluster.beginSlotMigration(slot, this.#doors.portOf(fromIndex), this.#doors.portOf(toIndex)),
    );
  }

  finishSlotMigration(slot: number): Promise<void> {
    return this.#change((cluster) => cluster.finishSlotMigration(slot));
  }

  failover(index = 0): Promise<number> {
    return this.#change(async (cluster) =>
      this.#doors.indexOf(await cluster.failover(this.#doors.portOf(index))),
    );
  }

  killMaster(index = 0): Promise<number> {
    return this.#change(async (cluster) =>
      this.#doors.indexOf(
        await cluster.killMaster(this.#doors.portOf(index), (master) => this.#doors.refuse(master)),
      ),
    );
  }

  restartNode(index: number): Promise<void> {
    return this.#change(async (cluster) => {
      await cluster.restartNode(this.#doors.portOf(index));
      await this.#doors.reopen();
    });
  }

  addNode(): Promise<number> {
    return this.#change(async (cluster) => {
      const port = await this.#doors.add();
      try {
        await cluster.addNode(port);
      } catch (error) {
        await this.#doors.remove(port);
        throw error;
      }
      return this.#doors.indexOf(port);
    });
  }

  removeNode(index: number): Promise<void> {
    return this.#change(async (cluster) => {
      const port = this.#doors.portOf(index);
      await cluster.removeNode(port);
      await this.#doors.remove(port);
    });
  }

  #change<Result>(change: (cluster: ClusterControl) => Promise<Result>): Promise<Result> {
    return this.#inTurn(async () => {
      const { cluster } = this.#backend();
      if (cluster) return change(cluster);
      throw new LocalAzureError(
        'NOT_SUPPORTED',
        "Only a cluster has nodes and slots to change. Start the local Azure with topology: 'cluster'; that needs a real redis-server.",
      );
    });
  }
}
