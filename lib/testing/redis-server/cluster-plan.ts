import { randomBytes } from 'node:crypto';

const SLOTS = 16_384;

/** One node of a cluster before it starts. */
export interface PlannedNode {
  readonly id: string;
  /** Stands for the master that the node replaces in its first moments. */
  readonly ghostId: string;
  /** Where Redis listens. */
  readonly port: number;
  /** Where clients are sent: the front door. */
  readonly announcedPort: number;
  readonly firstSlot: number;
  readonly lastSlot: number;
}

export function planCluster(
  ports: readonly number[],
  announcedPorts: readonly number[],
): PlannedNode[] {
  const boundary = (index: number): number => Math.floor((index * SLOTS) / ports.length);
  return ports.map((port, index) => ({
    id: nodeId(),
    ghostId: nodeId(),
    port,
    announcedPort: announcedPorts[index] ?? port,
    firstSlot: boundary(index),
    lastSlot: boundary(index + 1) - 1,
  }));
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
    const slots = `${node.firstSlot}-${node.lastSlot}`;
    const address = `127.0.0.1:${node.announcedPort}@${busPort(node.port)}`;
    const myself = node === self ? 'myself,' : '';
    return ghosts
      ? [
          `${node.id} ${address} ${myself}slave ${node.ghostId} 0 0 ${epoch} connected`,
          `${node.ghostId} :0@0 master,noaddr - 0 0 ${epoch} disconnected ${slots}`,
        ]
      : [`${node.id} ${address} ${myself}master - 0 0 ${epoch} connected ${slots}`];
  });
  return `${lines.join('\n')}\nvars currentEpoch ${nodes.length} lastVoteEpoch 0\n`;
}

const nodeId = (): string => randomBytes(20).toString('hex');
