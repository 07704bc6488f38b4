import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import type { Arguments } from '../arguments.js';
import type { Bench } from '../run/bench.js';
import type { Surroundings } from './report.interface.js';

const PACKAGES = [
  '@nestjs/core',
  '@nestjs/cache-manager',
  '@nestjs/platform-fastify',
  '@nestjs/platform-express',
  'ioredis',
  'cache-manager',
  '@keyv/redis',
  'ai',
];

export async function surroundings(
  bench: Bench,
  { rounds, seconds }: Pick<Arguments, 'rounds' | 'seconds'>,
): Promise<Surroundings> {
  return {
    date: new Date().toISOString(),
    versions: await versions(bench),
    machine: machine(),
    rounds,
    seconds,
    generator: bench.generator.description,
    pinning: bench.pinning.description,
  };
}

const require = createRequire(import.meta.url);

/** Of everything that takes part. */
async function versions({ redis }: Bench): Promise<Record<string, string>> {
  return {
    node: process.versions.node,
    redis: await redis.version(),
    ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
  };
}

function versionOf(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const { version }: { version: string } = JSON.parse(
        readFileSync(`${folder}/${name}/package.json`, 'utf8'),
      );
      return version;
    } catch {
      // It is in one of the other folders.
    }
  }
  return 'unknown';
}

/** `2 cores of <model>, 8 GB`; no name of a host. */
function machine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? 'an unknown model';
  return `${cores.length} cores of ${model}, ${Math.round(totalmem() / 2 ** 30)} GB`;
}
