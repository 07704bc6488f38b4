import { LocalAzureError } from '../local-azure.errors.js';
import type { ClusterNode } from './cluster-node.js';
import { hasSamePart, type ClusterView } from './cluster-view.js';

const POLL_MS = 5;
/** Gossip gets this much time before nodes introduce themselves, again and again. */
const INTRODUCTION_PAUSE_MS = 200;

/**
 * Resolves when every node is to all others what it is to itself, when all accept writes, and when
 * clients are told of every replica.
 */
export async function untilSettled(nodes: readonly ClusterNode[], deadline: number): Promise<void> {
  let introduceAt = Date.now() + INTRODUCTION_PAUSE_MS;
  await until(deadline, 'all nodes agree', async () => {
    const misjudged = await findMisjudged(nodes);
    if (misjudged.length > 0 && Date.now() >= introduceAt) {
      await Promise.all(misjudged.map((node) => node.introduceTo(nodes)));
      introduceAt = Date.now() + INTRODUCTION_PAUSE_MS;
    }
    return misjudged.length === 0;
  });
  await until(deadline, 'all nodes serve', async () =>
    (await Promise.all(nodes.map((node) => node.isOk()))).every(Boolean),
  );
}

/** Nodes that another one does not know, not reach, or takes for something else. */
async function findMisjudged(nodes: readonly ClusterNode[]): Promise<ClusterNode[]> {
  const [views, slotTables] = await Promise.all([
    Promise.all(nodes.map((node) => node.view())),
    Promise.all(nodes.map(async (node) => JSON.stringify(await node.call('CLUSTER', 'SLOTS')))),
  ]);
  const checked = await Promise.all(
    nodes.map(async (node, index) => {
      const isListed = slotTables.every((table) => table.includes(`,${node.announcedPort},`));
      return (
        isSeenRight(node, views[index], views) &&
        (!isReplica(node, views[index]) || (isListed && (await node.replication()).isLinked))
      );
    }),
  );
  return nodes.filter((_, index) => checked[index] !== true);
}

const isReplica = ({ id }: ClusterNode, own: ClusterView | undefined): boolean =>
  own?.get(id)?.masterId !== undefined;

function isSeenRight(
  { id }: ClusterNode,
  own: ClusterView | undefined,
  views: readonly ClusterView[],
): boolean {
  const self = own?.get(id);
  return (
    self !== undefined &&
    views.every((view) => {
      const seen = view.get(id);
      return seen?.isReachable === true && hasSamePart(seen, self);
    })
  );
}

export async function until(
  deadline: number,
  wanted: string,
  isReached: () => Promise<boolean>,
): Promise<void> {
  while (!(await isReached())) {
    if (Date.now() > deadline) {
      throw new LocalAzureError(
        'CLUSTER_NOT_READY',
        `Expected that ${wanted}, and the cluster did not come so far in time. End faults that keep its nodes apart (recover(), thaw()), and try again.`,
      );
    }
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}
