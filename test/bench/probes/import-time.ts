import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench } from '../run/bench.js';
import { median } from '../run/medians.js';

const TIMES = 9;
const ENDS_WITHIN_MS = 20_000;
const script = fileURLToPath(new URL('import-time.program.js', import.meta.url));

/** In milliseconds. */
export async function importTime({ pinning }: Bench): Promise<number> {
  const [command, ...args] = [...pinning.serverPrefix, process.execPath, script];
  const times: number[] = [];
  while (times.length < TIMES) {
    const env = { PATH: process.env['PATH'], NODE_ENV: 'production' };
    const { stdout } = await promisify(execFile)(command, args, { env, timeout: ENDS_WITHIN_MS });
    times.push(Number(stdout));
  }
  return median(times) ?? Infinity;
}
