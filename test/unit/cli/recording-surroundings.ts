import { Writable } from 'node:stream';
import type { Environment } from '../../../lib/options/from-environment.js';
import { runCommandLine } from '../../../lib/cli/command-line.js';

class RecordingOutput extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with an environment of its own. */
export async function run(args: readonly string[], env: Environment = {}): Promise<Ran> {
  const [stdout, stderr] = [new RecordingOutput(), new RecordingOutput()];
  const interruption = (): Promise<void> => Promise.resolve();
  const exitCode = await runCommandLine(args, { env, stdout, stderr, interruption });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}
