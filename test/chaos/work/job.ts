import { setTimeout as sleep } from 'node:timers/promises';
import type { Journal } from '../journal.js';

/** One kind of client work, done over and over. */
export interface Job {
  readonly name: string;
  pauseMs(): number;
  /** Its rounds end only when somebody else's work lets them. */
  readonly waits?: true;
  /** Throws when a command failed. */
  round(): Promise<void>;
  /** What must be true, sooner or later, once no fault is active and the job has stopped. */
  readonly finally?: { readonly wanted: string; holds(): boolean; seen(): string };
}

/** Runs a job until it is stopped. */
export class JobLoop {
  readonly job: Job;
  readonly #journal: Journal;
  #isStopped = false;
  /** When the last round that succeeded had begun. */
  lastGoodRoundAt = 0;
  hasEnded = false;

  constructor(job: Job, journal: Journal) {
    this.job = job;
    this.#journal = journal;
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const from = Date.now();
      try {
        await this.job.round();
        this.lastGoodRoundAt = from;
        this.#journal.rounds += 1;
      } catch (error) {
        // The end of the run closes clients under commands that are under way.
        if (!this.#isStopped) this.#journal.failed(this.job.name, error, from);
      }
      await sleep(this.job.pauseMs());
    }
    this.hasEnded = true;
  }

  stop(): void {
    this.#isStopped = true;
  }
}
