import type { ClusterNode } from './cluster-node.js';
import { slotsOf } from './cluster-view.js';

const MIGRATE_TIMEOUT_MS = 3_000;
const KEYS_PER_STEP = 100;
/** So many slots change hands at a time: none of the two nodes is busy with it for long. */
const SLOTS_PER_STEP = 500;

export interface Migration {
  readonly source: ClusterNode;
  readonly target: ClusterNode;
  readonly admin: { readonly username: string; readonly password: string };
}

/** Hands slots with their keys from one master to another; clients never find them nowhere. */
export async function moveSlots(
  slots: readonly number[],
  migration: Migration,
  nodes: readonly ClusterNode[],
): Promise<void> {
  for (let index = 0; index < slots.length; index += SLOTS_PER_STEP) {
    const step = slots.slice(index, index + SLOTS_PER_STEP);
    await openSlots(step, migration);
    for (const slot of await filledSlots(step, migration)) {
      const keys = (): Promise<string[]> => keysOf(slot, migration, KEYS_PER_STEP);
      for (let next = await keys(); next.length > 0; next = await keys()) {
        await moveKeys(next, migration);
      }
    }
    await assignSlots(step, migration, nodes);
  }
}

/** Leaves the slot between both nodes, one half of its keys on either; resolves with the moved. */
export async function beginMigration(slot: number, migration: Migration): Promise<string[]> {
  await openSlots([slot], migration);
  const count = Number(await migration.source.call('CLUSTER', 'COUNTKEYSINSLOT', slot));
  const moved = await keysOf(slot, migration, Math.ceil(count / 2));
  if (moved.length > 0) await moveKeys(moved, migration);
  return moved;
}

/** From now on the source says ASK for what it does not have, and the target takes it in. */
async function openSlots(slots: readonly number[], { source, target }: Migration): Promise<void> {
  const owned = new Set(slotsOf(await source.part()));
  const foreign = slots.find((slot) => !owned.has(slot));
  if (foreign !== undefined) {
    throw new RangeError(
      `Expected a slot of the node behind port ${source.announcedPort}, got ${foreign}`,
    );
  }
  await setSlots(slots, target, 'IMPORTING', source.id);
  await setSlots(slots, source, 'MIGRATING', target.id);
}

/** The new owner first: otherwise there is a moment in which nobody owns the slots. */
async function assignSlots(
  slots: readonly number[],
  { source, target }: Migration,
  nodes: readonly ClusterNode[],
): Promise<void> {
  await setSlots(slots, target, 'NODE', target.id);
  await tellOwner(slots, source, target.id);
  for (const other of nodes) {
    if (other !== source && other !== target) await tellOwner(slots, other, target.id);
  }
}

/** A replica learns it from its master; a master that has given all away may be one by now. */
async function tellOwner(
  slots: readonly number[],
  node: ClusterNode,
  ownerId: string,
): Promise<void> {
  await setSlots(slots, node, 'NODE', ownerId).catch(async (error: unknown) => {
    if ((await node.part()).masterId === undefined) throw error;
  });
}

async function setSlots(
  slots: readonly number[],
  node: ClusterNode,
  state: 'IMPORTING' | 'MIGRATING' | 'NODE',
  id: string,
): Promise<void> {
  await Promise.all(slots.map((slot) => node.call('CLUSTER', 'SETSLOT', slot, state, id)));
}

async function filledSlots(
  slots: readonly number[],
  { source }: Migration,
): Promise<readonly number[]> {
  const counts = await Promise.all(
    slots.map((slot) => source.call('CLUSTER', 'COUNTKEYSINSLOT', slot)),
  );
  return slots.filter((_, index) => Number(counts[index]) > 0);
}

async function keysOf(slot: number, { source }: Migration, limit: number): Promise<string[]> {
  const keys = await source.call('CLUSTER', 'GETKEYSINSLOT', slot, limit);
  return Array.isArray(keys) ? keys.map(String) : [];
}

async function moveKeys(
  keys: readonly string[],
  { source, target, admin }: Migration,
): Promise<void> {
  const { host, port } = target.address;
  const destination = [host, port, '', 0, MIGRATE_TIMEOUT_MS];
  const credentials = ['AUTH2', admin.username, admin.password];
  await source.call('MIGRATE', ...destination, ...credentials, 'KEYS', ...keys);
}
