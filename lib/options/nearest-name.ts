/** The known name that `name` is most likely a typo of; none when all are too far away. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  // Keeps the work bounded: no option has such a long name.
  if (name.length > 40) return undefined;
  const ranked = known
    .map((candidate) => ({ candidate, edits: editsBetween(fold(name), fold(candidate)) }))
    .toSorted((a, b) => a.edits - b.edits);
  const best = ranked[0];
  if (best === undefined) return undefined;
  const allowed = Math.floor(Math.min(name.length, best.candidate.length) / 3);
  return best.edits <= allowed ? best.candidate : undefined;
}

/** `startup_nodes` and `startupNodes` are the same name in two conventions. */
const fold = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '');

/** Optimal string alignment: insert, delete, replace, and swap of two neighbours cost one. */
function editsBetween(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
        swapped ? at(beforePrevious, column - 2) + 1 : Infinity,
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, b.length);
}

const at = (row: readonly number[], column: number): number => row[column] ?? Infinity;
