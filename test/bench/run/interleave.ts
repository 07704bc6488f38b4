import type { Bench } from './bench.js';

/** What is measured once in each round. */
export interface Step {
  readonly name: string;
  /** @returns what came out, for whoever waits */
  measure(round: number): Promise<string>;
}

/**
 * Every step once in each round, so that a slow minute of the machine slows all of them.
 *
 * @returns why steps have failed; they are not measured again
 */
export async function interleave(
  bench: Bench,
  steps: readonly Step[],
  rounds: number,
  progress: (line: string) => void,
): Promise<ReadonlyMap<string, string>> {
  const failures = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    for (const step of steps) {
      if (bench.stopped.aborted) return failures;
      if (failures.has(step.name)) continue;
      const place = `round ${round + 1} of ${rounds}: ${step.name}`;
      try {
        progress(`${place}: ${await inTime(bench, step.measure(round))}`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failures.set(step.name, reason);
        progress(`${place} failed: ${reason}`);
      }
    }
  }
  return failures;
}

/** Of one step in one round: far more than it takes. */
const LIMIT_MS = 120_000;

async function inTime(bench: Bench, measuring: Promise<string>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      void bench.endServers();
      reject(new Error(`It took more than ${LIMIT_MS / 1_000} s.`));
    }, LIMIT_MS);
  });
  try {
    return await Promise.race([measuring, late]);
  } finally {
    clearTimeout(timer);
  }
}
