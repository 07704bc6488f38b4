import { inspect } from 'node:util';

export interface Failure {
  readonly job: string;
  readonly message: string;
  readonly from: number;
  readonly until: number;
}

/** Enough to find a leak in any kind of error, and not so much that a seed spends its time here. */
const MAX_INSPECTED = 300;

/** What one seed's clients did and what went wrong. */
export class Journal {
  /** Rounds of work that succeeded. */
  rounds = 0;
  errorEvents = 0;
  /** PUBLISHes that were confirmed, and messages that arrived, each once. */
  readonly messages = { published: 0, received: 0 };
  readonly failures: Failure[] = [];
  /** Promises that were broken, whatever the faults. */
  readonly violations: string[] = [];
  readonly #containsSecret: (text: string) => boolean;
  #inspected = 0;

  constructor(containsSecret: (text: string) => boolean) {
    this.#containsSecret = containsSecret;
  }

  failed(job: string, error: unknown, from: number): void {
    const message = error instanceof Error ? error.message : String(error);
    this.failures.push({ job, message, from, until: Date.now() });
    this.saw(job, error);
  }

  errorEvent(error: unknown): void {
    this.errorEvents += 1;
    this.saw("a client's error event", error);
  }

  violated(what: string): void {
    this.violations.push(what);
  }

  /** Anything that an application could print. */
  saw(where: string, value: unknown): void {
    if (this.#inspected >= MAX_INSPECTED) return;
    this.#inspected += 1;
    if (this.#containsSecret(inspect(value, { depth: 8, showHidden: true }))) {
      this.violated(`${where}: an error or event shows a token or the client secret`);
    }
  }
}
