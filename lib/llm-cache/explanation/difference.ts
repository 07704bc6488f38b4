import { COMPARED_NAMES, type ComparedName, type ComponentDigests } from './component-digests.js';

/**
 * In the order of {@link COMPARED_NAMES}. Epochs can be compared for one and the same request
 * only: those of others have other invalidations.
 */
export function difference(one: ComponentDigests, other: ComponentDigests): ComparedName[] {
  const differs = COMPARED_NAMES.filter((name) => one.get(name) !== other.get(name));
  const isSameRequest = differs.every((name) => name === 'epoch' || name === 'policy');
  return isSameRequest ? differs : differs.filter((name) => name !== 'epoch');
}

export interface RecentEntry {
  readonly digests: ComponentDigests;
  readonly storedAtMs: number;
}

export interface Neighbour {
  readonly differs: readonly ComparedName[];
  readonly storedAtMs: number;
}

/** The entry with the fewest differences, of several the newest. */
export function nearestOf(
  wanted: ComponentDigests,
  entries: readonly RecentEntry[],
): Neighbour | undefined {
  return (
    entries
      .map(({ digests, storedAtMs }) => ({ differs: difference(wanted, digests), storedAtMs }))
      // Nothing in common, not even what both lack: made with the secret before.
      .filter(({ differs }) => differs.length < COMPARED_NAMES.length - 1)
      .toSorted(
        (one, other) =>
          one.differs.length - other.differs.length || other.storedAtMs - one.storedAtMs,
      )[0]
  );
}
