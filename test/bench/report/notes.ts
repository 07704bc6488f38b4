import type { FailedReport, Surroundings } from './report.interface.js';

export interface Noted extends Surroundings {
  readonly rule: string;
  readonly noise: readonly string[];
}

/** What stands below the tables: how it was measured, and what was wrong. */
export function notes(report: Noted, failed: readonly FailedReport[]): string[] {
  const { rule, rounds, seconds, generator, pinning, noise } = report;
  return [
    rule,
    `${rounds} interleaved rounds of ${seconds} s; load by ${generator}. ${pinning}`,
    ...(noise.length === 0
      ? []
      : [`The machine was noisy:\n\n${noise.map((line) => `- ${line}`).join('\n')}`]),
    ...(failed.length === 0
      ? []
      : [`Failed:\n\n${failed.map(({ name, error }) => `- ${name}: ${error}`).join('\n')}`]),
  ];
}
