import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { ProcessWatch } from './process-watch.js';
import { runSeed } from './run-seed.js';
import type { SeedReport } from './seed-run.js';
import { chaosSettings } from './settings.js';

const { seeds, seconds, parallel } = chaosSettings;
const waves = Array.from({ length: Math.ceil(seeds.length / parallel) }, (_, wave) =>
  seeds.slice(wave * parallel, (wave + 1) * parallel),
);
/** Start, faults, recovery, two token lifetimes of calm, end. */
const LONGEST_WAVE_MS = seconds * 1_000 + 75_000;
/** Code that is compiled late, certificates and pools; a leak of one socket per reconnect is far more. */
const MAX_HEAP_GROWTH_BYTES = 12 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

it(
  `${seeds.length} seeds × ${seconds} s: nothing is lost that no fault explains`,
  { timeout: waves.length * LONGEST_WAVE_MS },
  async ({ annotate }) => {
    using watch = new ProcessWatch();
    const reports: SeedReport[] = [];
    const heap: number[] = [];
    const problems: string[] = [];
    for (const wave of waves) {
      reports.push(...(await Promise.all(wave.map((seed) => runSeed(seed, seconds, watch)))));
      for (const problem of watch.problems.splice(0)) {
        problems.push(`seeds ${wave.join(', ')}: ${problem}`);
      }
      heap.push(heapInUse());
    }
    for (const { seed, violations } of reports) {
      if (violations.length > 0) problems.push([replay(seed), ...violations].join('\n  '));
    }
    await annotate(summary(reports, heap));
    expect(problems.join('\n\n')).toBe('');
    expect(heapGrowth(heap)).toBeLessThan(MAX_HEAP_GROWTH_BYTES);
  },
);

const replay = (seed: number): string =>
  `CHAOS_SEED=${seed} CHAOS_SECONDS=${seconds} npx vitest run chaos.spec`;

function heapInUse(): number {
  if (typeof collectGarbage === 'function') collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** From the end of the warm-up to the end; 0 while there is too little to compare. */
function heapGrowth(heap: readonly number[]): number {
  const warm = heap[Math.min(4, Math.floor(heap.length / 4))] ?? 0;
  return heap.length < 8 ? 0 : (heap.at(-1) ?? 0) - warm;
}

function summary(reports: readonly SeedReport[], heap: readonly number[]): string {
  const sum = (of: (report: SeedReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const peak = (of: (report: SeedReport) => number): number => Math.max(...reports.map(of));
  const megabytes = heap.map((bytes) => (bytes / 1024 / 1024).toFixed(0));
  return [
    `${reports.length} seeds × ${seconds} s, ${parallel} at a time`,
    `${sum(({ rounds }) => rounds)} rounds of work`,
    `${sum(({ auths }) => auths)} AUTHs, ${sum(({ rejected }) => rejected)} refused by a fault`,
    `${sum(({ expired }) => expired)} sessions ran out under a fault`,
    `failures that a fault explains: ${explained(reports) || 'none'}`,
    `${sum(({ cutTransactions }) => cutTransactions)} own transactions cut`,
    `slowest recovery ${peak(({ recoveryMs }) => recoveryMs)} ms`,
    `per second at most ${peak(({ peaks }) => peaks.auths)} AUTHs, ` +
      `${peak(({ peaks }) => peaks.connects)} connects, ` +
      `${peak(({ peaks }) => peaks.tokenRequests)} token requests`,
    `${reports.filter(({ violations }) => violations.length > 0).length} seeds failed`,
    `heap ${megabytes.join(' ')} MB`,
  ].join('; ');
}

function explained(reports: readonly SeedReport[]): string {
  const total = new Map<string, number>();
  for (const [words, count] of reports.flatMap((report) => Object.entries(report.explained))) {
    total.set(words, (total.get(words) ?? 0) + count);
  }
  return [...total].map(([words, count]) => `${count} × ${words}`).join(', ');
}
