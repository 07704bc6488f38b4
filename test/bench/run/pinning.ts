import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { isInstalled } from './programs.js';

/** The core that serves, and the one that asks and has Redis on it. */
export const SERVER_CORE = 0;
const OTHER_CORE = 1;

export interface Pinning {
  /** For the reader of the results. */
  readonly description: string;
  /** Before the command line of a server. */
  readonly serverPrefix: readonly string[];
  /** Before those of servers that share all cores, with load and Redis too. */
  readonly anyCorePrefix: readonly string[];
}

/** Puts this process, and what it starts without the prefix, on a core of its own. */
export async function pin(): Promise<Pinning> {
  const why = await whyNot();
  if (why !== undefined) {
    return {
      description: `Nothing is pinned (${why}): server, load and Redis disturb each other.`,
      serverPrefix: [],
      anyCorePrefix: [],
    };
  }
  // Soon this process has one core.
  const last = availableParallelism() - 1;
  const [server, other] = [String(SERVER_CORE), String(OTHER_CORE)];
  await promisify(execFile)('taskset', [
    '--all-tasks',
    '--cpu-list',
    '--pid',
    other,
    String(process.pid),
  ]);
  return {
    description: `The server runs on core ${server}, load and Redis on core ${other}.`,
    serverPrefix: ['taskset', '--cpu-list', server],
    anyCorePrefix: ['taskset', '--cpu-list', `0-${last}`],
  };
}

async function whyNot(): Promise<string | undefined> {
  if (availableParallelism() < 2) return 'one core';
  return (await isInstalled('taskset')) ? undefined : 'no taskset';
}
