import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Load, LoadGenerator, LoadResult } from './load.interface.js';

const GRACE_MS = 15_000;
const script = fileURLToPath(new URL('autocannon.program.js', import.meta.url));

/** autocannon in a process of its own, where there is no wrk. */
export class Autocannon implements LoadGenerator {
  readonly description = 'autocannon, which takes more time than most of the servers';

  async run(load: Load, signal: AbortSignal): Promise<LoadResult> {
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(load)], {
      timeout: load.seconds * 1_000 + GRACE_MS,
      signal,
    });
    return JSON.parse(stdout);
  }
}
