import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repository } from '../environment/packed-package.js';

export interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
}

export interface Job {
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly strategy?: { readonly matrix: { readonly node: readonly string[] } };
  readonly 'timeout-minutes': number;
  readonly steps: readonly Step[];
}

export interface Workflow {
  readonly text: string;
  readonly on: Readonly<Record<string, object | null>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

export function readWorkflow(file: string): Workflow {
  const text = readFileSync(join(repository, '.github/workflows', file), 'utf8');
  return { ...(parse(text) as Omit<Workflow, 'text'>), text };
}

export function jobOf({ jobs }: Workflow, name: string): Job {
  const job = jobs[name];
  if (job === undefined) throw new Error(`Expected a job ${name}, got ${Object.keys(jobs).join()}`);
  return job;
}

export const commandsOf = ({ steps }: Job): string[] => steps.flatMap(({ run }) => run ?? []);

/** Runs a step's commands as GitHub does on Linux. */
export function runStep(
  { steps }: Job,
  name: string,
  options: { cwd: string; env: Readonly<Record<string, string>> },
): { status: number | null; output: string } {
  const run = steps.find((step) => step.name === name)?.run;
  if (run === undefined) throw new Error(`Expected a step with commands, named: ${name}`);
  const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', run], {
    ...options,
    encoding: 'utf8',
  });
  return { status, output: `${stdout}${stderr}` };
}
