import type { LoggerService } from '@nestjs/common';

/** One line per change of state, however often and by whomever the state is reported. */
export class AvailabilityLog {
  readonly #logger: Pick<LoggerService, 'log' | 'warn'>;
  readonly #messages: { up: string; down: (reason: string) => string };
  #state: 'unknown' | 'up' | 'down';

  /** @param initially `unknown` logs the first report, `up` only a later trouble */
  constructor(
    logger: Pick<LoggerService, 'log' | 'warn'>,
    messages: { up: string; down: (reason: string) => string },
    initially: 'unknown' | 'up',
  ) {
    this.#logger = logger;
    this.#messages = messages;
    this.#state = initially;
  }

  up(): void {
    if (this.#state === 'up') return;
    this.#state = 'up';
    this.#logger.log(this.#messages.up);
  }

  /** @param reason evaluated only when there is something to log */
  down(reason: () => string): void {
    if (this.#state === 'down') return;
    this.#state = 'down';
    this.#logger.warn(this.#messages.down(reason()));
  }
}
