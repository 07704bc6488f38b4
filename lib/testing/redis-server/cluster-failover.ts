import { LocalAzureError } from '../local-azure.errors.js';
import { until } from './cluster-agreement.js';
import type { ClusterNode } from './cluster-node.js';

/** How long writes wait for the replica at most, as in Redis itself. */
const PAUSE_MS = 5_000;

/** A master and the nodes that follow it. */
export interface Shard {
  readonly master: ClusterNode;
  readonly replicas: readonly ClusterNode[];
}

/** The shard that a node belongs to, whether as master or as replica. */
export async function findShard(nodes: readonly ClusterNode[], node: ClusterNode): Promise<Shard> {
  const masters = new Map<ClusterNode, string>();
  for (const each of nodes) masters.set(each, (await each.part()).masterId ?? each.id);
  const masterId = masters.get(node);
  const master = nodes.find(({ id }) => id === masterId);
  if (!master) {
    throw new LocalAzureError(
      'NOT_SUPPORTED',
      `Expected a running master of the node behind port ${node.announcedPort}, found none.`,
    );
  }
  return {
    master,
    replicas: nodes.filter((each) => each !== master && masters.get(each) === master.id),
  };
}

/** A replica that could be the master. */
export async function successorOf({ master, replicas }: Shard): Promise<ClusterNode> {
  for (const replica of replicas) {
    if ((await replica.replication()).isLinked) return replica;
  }
  throw new LocalAzureError(
    'NOT_SUPPORTED',
    `Expected a replica of the master behind port ${master.announcedPort}, found none. Start the local Azure with replicas: 1; after killMaster() call restartNode().`,
  );
}

/**
 * What CLUSTER FAILOVER does: writes wait, the replica catches up and takes over, then the writes
 * are sent on to it. Without its vote, because masters vote for a shard once in 30 s.
 */
export async function failOver(
  master: ClusterNode,
  replica: ClusterNode,
  deadline: number,
): Promise<void> {
  await master.call('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE');
  try {
    await until(deadline, 'the replica catches up', async () => {
      const [ahead, behind] = await Promise.all([master.replication(), replica.replication()]);
      return behind.offset >= ahead.offset;
    });
    await takeOver(replica);
    await until(deadline, 'the old master steps down', async () => {
      const { masterId } = await master.part();
      return masterId === replica.id;
    });
  } finally {
    // It ends by itself as well.
    await master.call('CLIENT', 'UNPAUSE').catch(() => undefined);
  }
}

/** The replica becomes the master, whatever the others think. */
export async function takeOver(replica: ClusterNode): Promise<void> {
  await replica.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
}
