import type { LoggerService } from '@nestjs/common';

export interface AvailabilityLogOptions {
  readonly up: string;
  readonly down: (reason: string) => string;
  /** `unknown` logs the first report, `up` only a later trouble. */
  readonly initially: 'unknown' | 'up';
  /**
   * How long trouble must not have been reported before `up()` counts, in milliseconds: what
   * comes and goes is one trouble. @default 0
   */
  readonly settleMs?: number;
}

/** One line per change of state, however often and by whomever the state is reported. */
export class AvailabilityLog {
  readonly #logger: Pick<LoggerService, 'log' | 'warn'>;
  readonly #options: AvailabilityLogOptions;
  #state: 'unknown' | 'up' | 'down' | 'closed';
  #lastTroubleAt = 0;

  constructor(logger: Pick<LoggerService, 'log' | 'warn'>, options: AvailabilityLogOptions) {
    this.#logger = logger;
    this.#options = options;
    this.#state = options.initially;
  }

  up(): void {
    if (this.#state === 'up' || this.#state === 'closed') return;
    const { settleMs = 0, up } = this.#options;
    if (this.#state === 'down' && Date.now() - this.#lastTroubleAt < settleMs) return;
    this.#state = 'up';
    this.#logger.log(up);
  }

  /** @param reason evaluated only when there is something to log */
  down(reason: () => string): void {
    this.#lastTroubleAt = Date.now();
    if (this.#state === 'down' || this.#state === 'closed') return;
    this.#state = 'down';
    this.#logger.warn(this.#options.down(reason()));
  }

  /** Nothing is trouble any more: it is being shut down. */
  close(): void {
    this.#state = 'closed';
  }
}
