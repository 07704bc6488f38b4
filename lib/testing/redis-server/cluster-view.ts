/** A node of the cluster, as one of the nodes sees it. */
export interface NodeView {
  readonly id: string;
  /** Of a replica: its master. */
  readonly masterId: string | undefined;
  /** Sorted ranges as Redis writes them, `0-5460` or `7000`; without slots on their way. */
  readonly slots: readonly string[];
  /** The node itself, or a node it has a link to and believes to be well. */
  readonly isReachable: boolean;
}

/** What one node thinks of all, by node id. */
export type ClusterView = ReadonlyMap<string, NodeView>;

/** Reads the answer to CLUSTER NODES. */
export function readClusterNodes(answer: string): ClusterView {
  const nodes = answer.trim().split('\n').map(readLine);
  return new Map(nodes.map((node) => [node.id, node]));
}

/** `id address flags master ping pong epoch link slot…` */
function readLine(line: string): NodeView {
  const [id = '', , allFlags = '', masterId = '-', , , , link, ...slots] = line.trim().split(' ');
  const flags = allFlags.split(',');
  const isUnwell = flags.some((flag) => flag.startsWith('fail') || flag === 'handshake');
  return {
    id,
    masterId: masterId === '-' ? undefined : masterId,
    // A slot on its way is written `[slot->-target]` beside its range.
    slots: slots.filter((range) => !range.startsWith('[')),
    isReachable: flags.includes('myself') || (link === 'connected' && !isUnwell),
  };
}

/** Whether both say the same of the node's part in the cluster. */
export const hasSamePart = (one: NodeView, other: NodeView): boolean =>
  one.masterId === other.masterId && one.slots.join() === other.slots.join();

/** `['0-2', '7']` are the slots 0, 1, 2 and 7. */
export function slotsOf({ slots }: NodeView): number[] {
  return slots.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
