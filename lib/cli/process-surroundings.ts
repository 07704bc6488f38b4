import type { Surroundings } from './surroundings.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function processSurroundings(): Surroundings {
  // The reader has gone, as in `… | head -1`: there is nobody to tell it to.
  process.stdout.on('error', () => process.exit(1));
  return {
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    interruption: () =>
      new Promise((resolve) => {
        // Once: the second Ctrl-C ends the process at once.
        for (const signal of SIGNALS) process.once(signal, () => resolve());
      }),
  };
}
