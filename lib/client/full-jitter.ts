const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 5_000;

/** Azure limits the rate of new connections, so a fleet must not come back in step. */
export function fullJitter(times: number): number {
  const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times, 10));
  return FIRST_RETRY_MS + Math.random() * ceiling;
}
