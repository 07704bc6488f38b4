import type { LoggerService } from '@nestjs/common';

/** One line when a trouble starts and one when it ends, however often it is reported. */
export class TroubleLog {
  readonly #logger: Pick<LoggerService, 'log' | 'warn'>;
  /** Bounded by the routes of the application: callers name troubles by route, not by request. */
  readonly #troubles = new Set<string>();

  constructor(logger: Pick<LoggerService, 'log' | 'warn'>) {
    this.#logger = logger;
  }

  started(trouble: string, consequence: string): void {
    if (this.#troubles.has(trouble)) return;
    this.#troubles.add(trouble);
    this.#logger.warn(`${trouble}; ${consequence}.`);
  }

  ended(trouble: string): void {
    if (this.#troubles.delete(trouble)) this.#logger.log(`Over: ${trouble}.`);
  }
}
