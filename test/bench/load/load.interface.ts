import type { RequestPlan } from '../plan/row.interface.js';

export interface Load {
  readonly url: string;
  readonly request: RequestPlan;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  /** That were answered. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Answers that are not 2xx, and requests without any. */
  readonly failures: number;
}

export interface LoadGenerator {
  readonly description: string;
  /** @param stop ends it, and it rejects */
  run(load: Load, stop: AbortSignal): Promise<LoadResult>;
}
