import type { Goal } from '../plan/goals.js';

/** Medians of all rounds. */
export interface RowReport {
  readonly name: string;
  readonly title: string;
  readonly group: string;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly cpuUs: number;
  /** What a core serves, ÷ the row that this one is compared with; `null` when that has failed. */
  readonly perReference: number | null;
  readonly reference: string;
  /** Of `cpuUs`, from the least to the most, in percent of the median. */
  readonly spreadPercent: number;
  readonly isNoisy: boolean;
}

export interface ProbeReport {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly value: number;
  readonly spreadPercent: number;
}

export interface FailedReport {
  readonly name: string;
  readonly error: string;
}

export type Verdict = 'reached' | 'missed' | 'not measured';

export interface GoalReport extends Pick<
  Goal,
  'name' | 'meaning' | 'unit' | 'better' | 'threshold'
> {
  readonly aim: number | null;
  /** `null` when something that it is computed from was not measured. */
  readonly value: number | null;
  readonly spreadPercent: number;
  readonly verdict: Verdict;
}

/** When, on what and with what it was measured. */
export interface Surroundings {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly generator: string;
  readonly pinning: string;
}

/** Everything that one run of the bench says. */
export interface BenchReport extends Surroundings {
  /** How the numbers are to be read. */
  readonly rule: string;
  readonly rows: readonly (RowReport | FailedReport)[];
  readonly probes: readonly (ProbeReport | FailedReport)[];
  /** The value of each goal that was measured. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly goals: readonly GoalReport[];
  /** One sentence per disturbance of the machine. */
  readonly noise: readonly string[];
}
