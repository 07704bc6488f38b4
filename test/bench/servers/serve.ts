import { setTimeout as sleep } from 'node:timers/promises';
import type { Order, Report, Usage } from './orders.js';

/** What a server counts of its own work. */
export const counted = { calls: 0, rotations: 0 };

export interface Served {
  /** Empty if it serves nobody. */
  readonly url: string;
  connect?(count: number): Promise<void>;
  /** Streams stop half way. */
  hold?(): void;
  release?(): void;
}

const QUIET_MS = 50;
/** CPU time within `QUIET_MS` of a process that has nothing left to do. */
const QUIET_US = 4_000;
const QUIET_WITHIN_MS = 3_000;

/** Tells that the server listens, and answers the orders of the bench until that has gone. */
export function serve({ url, connect, hold, release }: Served): void {
  const carryOut = async ({ name, count = 0 }: Order): Promise<Usage> => {
    if (name === 'connect') await connect?.(count);
    if (name === 'hold') hold?.();
    if (name === 'release') release?.();
    await quiet();
    if (name === 'memory') collectGarbage();
    return usage();
  };
  const obey = async (order: Order): Promise<void> => {
    try {
      report({ kind: 'done', id: order.id, usage: await carryOut(order) });
    } catch (error) {
      report({ kind: 'failed', id: order.id, reason: String(error) });
    }
  };
  process.on('message', (text) => void obey(JSON.parse(String(text))));
  // At once: what is open then is of no use to anybody.
  process.once('disconnect', () => process.exit());
  report({ kind: 'listening', url });
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  // What Node calls `external` contains the array buffers.
  const { heapUsed, external } = process.memoryUsage();
  return { ...counted, cpuUs: user + system, memoryBytes: heapUsed + external };
}

/** The work that answers leave behind, entries to be written, belongs to them. */
async function quiet(): Promise<void> {
  const deadline = Date.now() + QUIET_WITHIN_MS;
  let before = usage().cpuUs;
  while (Date.now() < deadline) {
    await sleep(QUIET_MS);
    const now = usage().cpuUs;
    if (now - before < QUIET_US) return;
    before = now;
  }
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('Expected node --expose-gc.');
  // What finalizers let go of in the first one is collected in the second one.
  globalThis.gc();
  globalThis.gc();
}

const report = (message: Report): void => void process.send?.(JSON.stringify(message));
