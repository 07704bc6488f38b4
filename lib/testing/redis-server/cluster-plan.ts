import { randomBytes } from 'node:crypto';

const SLOTS = 16_384;

/** Where a node is found. */
export interface NodeAddress {
  readonly id: string;
  /** Where Redis listens. */
  readonly port: number;
  /** Where clients are sent: the front door. */
  readonly announcedPort: number;
}

/** One node of a cluster before it starts. */
export interface PlannedNode extends NodeAddress {
  /** Stands for the master that the nodes of this shard replicate in their first moments. */
  readonly ghostId: string;
  /** Of a replica: the node that it will follow. */
  readonly masterId: string | undefined;
  /** Of a master: first and last slot, `0-5460`. */
  readonly slots: string;
}

/** Masters first, and then as many rounds of `replicas`, one for each master. */
export function planCluster(
  ports: readonly number[],
  announcedPorts: readonly number[],
  replicas: number,
): PlannedNode[] {
  const masters = Math.ceil(ports.length / (1 + replicas));
  const boundary = (index: number): number => Math.floor((index * SLOTS) / masters);
  const shards = Array.from({ length: masters }, (_, index) => ({
    masterId: nodeId(),
    ghostId: nodeId(),
    slots: `${boundary(index)}-${boundary(index + 1) - 1}`,
  }));
  return ports.flatMap((port, index): PlannedNode[] => {
    const shard = shards[index % masters];
    if (!shard) return [];
    const { masterId, ghostId, slots } = shard;
    const address = { port, announcedPort: announcedPorts[index] ?? port };
    return index < masters
      ? [{ ...address, ghostId, id: masterId, masterId: undefined, slots }]
      : [{ ...address, ghostId, id: nodeId(), masterId, slots: '' }];
  });
}

/** The bus of a node is 10,000 above its port; older Redis knows no other. */
export const busPort = (port: number): number => port + 10_000;

/**
 * A finished nodes.conf, so that the nodes need no introduction. As masters they refuse writes for
 * their first 2 s (CLUSTER_WRITABLE_DELAY). Replicas do not wait: with `ghosts` each node starts
 * as the replica of a master that has its slots, has no address and never was, and takes over.
 */
export function nodesConf(
  nodes: readonly PlannedNode[],
  self: PlannedNode,
  ghosts: boolean,
): string {
  const lines = nodes.flatMap((node, index) => {
    const epoch = index + 1;
    const { id, ghostId, masterId, slots } = node;
    const myself = `${id} ${addressOf(node)} ${node === self ? 'myself,' : ''}`;
    const replica = (of: string): string => `${myself}slave ${of} 0 0 ${epoch} connected`;
    if (ghosts) {
      const ghost = `${ghostId} :0@0 master,noaddr - 0 0 ${epoch} disconnected ${slots}`;
      return masterId === undefined ? [replica(ghostId), ghost] : [replica(ghostId)];
    }
    return [
      masterId === undefined
        ? `${myself}master - 0 0 ${epoch} connected ${slots}`
        : replica(masterId),
    ];
  });
  return nodesConfOf(lines, nodes.length);
}

/** For a node that knows nobody but itself. */
export const loneNodesConf = (self: NodeAddress): string =>
  nodesConfOf([`${self.id} ${addressOf(self)} myself,master - 0 0 0 connected`], 0);

export const nodeId = (): string => randomBytes(20).toString('hex');

const nodesConfOf = (lines: readonly string[], epoch: number): string =>
  `${lines.join('\n')}\nvars currentEpoch ${epoch} lastVoteEpoch 0\n`;

const addressOf = ({ port, announcedPort }: NodeAddress): string =>
  `127.0.0.1:${announcedPort}@${busPort(port)}`;
