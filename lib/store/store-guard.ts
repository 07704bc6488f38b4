import type { LoggerService } from '@nestjs/common';
import { AvailabilityLog } from '../azure-redis.availability-log.js';
import { withDeadline } from '../azure-redis.deadline.js';
import { AzureRedisError } from '../azure-redis.errors.js';

export type OperationKind = 'read' | 'write';

export interface StoreGuardOptions {
  readonly deadlineMs: number;
  /** Whether commands can be sent at all. */
  readonly isConnected: () => boolean;
  /** State of the connection, shared with the client. */
  readonly availability: AvailabilityLog;
  readonly logger: Pick<LoggerService, 'log' | 'warn'>;
}

/**
 * Fail-open with a deadline. After a command that was not answered in time, Redis counts as
 * unreachable: further commands are skipped at once, but for one probe at a time, until one is
 * answered. So an outage costs one deadline, not one per request, and no queue grows.
 */
export class StoreGuard {
  readonly #options: StoreGuardOptions;
  readonly #refusals: Record<OperationKind, AvailabilityLog>;
  readonly #failures: Record<OperationKind, number> = { read: 0, write: 0 };
  #unreachable = false;
  #probing = false;

  constructor(options: StoreGuardOptions) {
    this.#options = options;
    const refusalLog = (kind: OperationKind): AvailabilityLog =>
      new AvailabilityLog(
        options.logger,
        {
          up: `Redis accepts cache ${kind}s again.`,
          down: (reason) => `Redis refuses cache ${kind}s: ${reason}`,
        },
        'up',
      );
    this.#refusals = { read: refusalLog('read'), write: refusalLog('write') };
  }

  /** Operations that failed or were skipped since the start. */
  get failures(): Readonly<Record<OperationKind, number>> {
    return { ...this.#failures };
  }

  /** The result of the operation, or the fallback within the deadline; never an error. */
  async run<T>(kind: OperationKind, operation: () => Promise<T>, fallback: T): Promise<T> {
    const probe = this.#unreachable;
    if (probe && (this.#probing || !this.#options.isConnected())) {
      this.#failures[kind] += 1;
      return fallback;
    }
    this.#probing = probe;
    try {
      const { deadlineMs } = this.#options;
      const result = await withDeadline(operation(), deadlineMs, () => unanswered(deadlineMs));
      this.#answered();
      this.#refusals[kind].up();
      return result;
    } catch (error) {
      this.#failures[kind] += 1;
      this.#failed(kind, error);
      return fallback;
    } finally {
      if (probe) this.#probing = false;
    }
  }

  #answered(): void {
    this.#unreachable = false;
    this.#options.availability.up();
  }

  #failed(kind: OperationKind, error: unknown): void {
    if (isRefusal(error)) {
      this.#answered();
      this.#refusals[kind].down(() => error.message);
      return;
    }
    this.#unreachable = true;
    this.#options.availability.down(() => (error instanceof Error ? error.message : String(error)));
  }
}

/** Redis answered, with an error of its own (OOM, READONLY, NOPERM): it is not unreachable. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof Error &&
    error.name === 'ReplyError' &&
    // These come from the handshake of a connection that never got ready.
    !/WRONGPASS|NOAUTH/.test(error.message)
  );
}

function unanswered(deadlineMs: number): AzureRedisError {
  return new AzureRedisError(
    'DEADLINE_EXCEEDED',
    `Redis did not answer within ${deadlineMs} ms ("cache.deadlineMs").`,
  );
}
