import { setTimeout as sleep } from 'node:timers/promises';

/** What a contestant reports when its time is over. */
export interface ContestantReport {
  readonly rounds: number;
  /** Rounds of work that failed, by the error's message. */
  readonly failures: Readonly<Record<string, number>>;
  readonly errorEvents: number;
  readonly unhandledRejections: number;
  /** Messages whose PUBLISH was confirmed, and how many of them arrived. */
  readonly published: number;
  readonly received: number;
}

/** Runs jobs over and over and counts what becomes of them. */
export class WorkLog {
  #rounds = 0;
  #errorEvents = 0;
  #unhandledRejections = 0;
  #messages = 0;
  #isStopped = false;
  readonly #failures = new Map<string, number>();
  readonly #published = new Set<string>();
  readonly #received = new Set<string>();

  repeat(name: string, pauseMs: () => number, work: () => Promise<unknown>): void {
    void this.#loop(name, pauseMs, work);
  }

  errorEvent(_error: unknown): void {
    this.#errorEvents += 1;
  }

  unhandledRejection(): void {
    this.#unhandledRejections += 1;
  }

  nextMessage(): string {
    return String((this.#messages += 1));
  }

  published(message: string): void {
    if (!this.#isStopped) this.#published.add(message);
  }

  received(message: string): void {
    this.#received.add(message);
  }

  /** Failures after this are those of the end. */
  stop(): void {
    this.#isStopped = true;
  }

  report(): ContestantReport {
    return {
      rounds: this.#rounds,
      failures: Object.fromEntries(this.#failures),
      errorEvents: this.#errorEvents,
      unhandledRejections: this.#unhandledRejections,
      published: this.#published.size,
      received: [...this.#published].filter((message) => this.#received.has(message)).length,
    };
  }

  async #loop(name: string, pauseMs: () => number, work: () => Promise<unknown>): Promise<void> {
    while (!this.#isStopped) {
      try {
        await work();
        this.#rounds += 1;
      } catch (error) {
        if (!this.#isStopped) this.#failed(`${name}: ${messageOf(error)}`);
      }
      await sleep(pauseMs());
    }
  }

  #failed(what: string): void {
    this.#failures.set(what, (this.#failures.get(what) ?? 0) + 1);
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
