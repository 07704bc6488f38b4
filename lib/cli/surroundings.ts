import type { Writable } from 'node:stream';
import type { Environment } from '../options/from-environment.js';

/** What a command gets from the process that it runs in. */
export interface Surroundings {
  readonly env: Environment;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Resolves when the process is asked to end. */
  interruption(): Promise<void>;
}

export type Output = Writable & { readonly isTTY?: boolean };

/** Ends of a command, as shells and machines understand them. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
