import type { LoggerService } from '@nestjs/common';
import { AvailabilityLog } from '../azure-redis.availability-log.js';
import { withDeadline } from '../azure-redis.deadline.js';
import { AzureRedisError } from '../azure-redis.errors.js';
import { REFUSED_IDENTITY } from '../client/explain-connection-error.js';
import { reportOperation } from './store-operation.js';

export type OperationKind = 'read' | 'write';

export interface StoreGuardOptions {
  readonly deadlineMs: number;
  /** Whether commands can be sent at all. */
  readonly isConnected: () => boolean;
  /** State of the connection, shared with the client. */
  readonly availability: AvailabilityLog;
  readonly logger: Pick<LoggerService, 'log' | 'warn'>;
  /** Turns an error reply of Redis into a sentence that says what to do. */
  readonly explain: (error: Error) => string;
  /** How long Redis must not have refused before that is over, in milliseconds. @default 10000 */
  readonly settleMs?: number;
}

const SETTLE_MS = 10_000;

/**
 * Fail-open with a deadline. A node that did not answer in time counts as unreachable: further
 * commands for it are skipped at once, but for one probe at a time, until one is answered. So
 * an outage costs one deadline, not one per request, and no queue grows.
 */
export class StoreGuard {
  readonly #options: StoreGuardOptions;
  readonly #refusals: Record<OperationKind, AvailabilityLog>;
  readonly #failures: Record<OperationKind, number> = { read: 0, write: 0 };
  readonly #unreachable = new Set<string>();
  readonly #probing = new Set<string>();
  /** Of the last trouble of each kind; Unix times. */
  #unansweredAt = 0;
  #refusedAt = 0;

  constructor(options: StoreGuardOptions) {
    this.#options = options;
    const { logger, settleMs = SETTLE_MS } = options;
    const refusalLog = (kind: OperationKind): AvailabilityLog =>
      new AvailabilityLog(logger, {
        up: `Redis accepts cache ${kind}s again.`,
        down: (reason) => `Redis refuses cache ${kind}s: ${reason}`,
        initially: 'up',
        settleMs,
      });
    this.#refusals = { read: refusalLog('read'), write: refusalLog('write') };
  }

  /** Operations that failed or were skipped since the start. */
  get failures(): Readonly<Record<OperationKind, number>> {
    return { ...this.#failures };
  }

  /**
   * What has gone wrong of late: `unanswered` while operations are skipped for it, `refused` by
   * Redis. Forgotten after a while: who is told of it may send no more operations that would end it.
   */
  get trouble(): 'unanswered' | 'refused' | undefined {
    const { settleMs = SETTLE_MS } = this.#options;
    const isRecent = (moment: number): boolean => Date.now() - moment < settleMs;
    if (this.#unreachable.size > 0 && isRecent(this.#unansweredAt)) return 'unanswered';
    return isRecent(this.#refusedAt) ? 'refused' : undefined;
  }

  /**
   * The result of the operation, or the fallback within the deadline; never an error.
   *
   * @param node who answers; the nodes of a cluster fail one by one
   * @param command what it is told to be, to who listens
   */
  async run<T>(
    kind: OperationKind,
    node: string,
    operation: () => Promise<T>,
    fallback: T,
    command: string = kind,
  ): Promise<T> {
    const report = reportOperation(command);
    const isProbe = this.#unreachable.has(node);
    // Not connected, a command would wait in a queue and be carried out much later.
    if (!this.#options.isConnected() || (isProbe && this.#probing.has(node))) {
      this.#failures[kind] += 1;
      report?.('skipped');
      return fallback;
    }
    if (isProbe) this.#probing.add(node);
    try {
      const { deadlineMs } = this.#options;
      const result = await withDeadline(operation(), deadlineMs, () => unanswered(deadlineMs));
      this.#answered(node);
      this.#refusals[kind].up();
      report?.('answered');
      return result;
    } catch (error) {
      this.#failures[kind] += 1;
      this.#failed(kind, node, error);
      report?.('failed', error);
      return fallback;
    } finally {
      if (isProbe) this.#probing.delete(node);
    }
  }

  #answered(node: string): void {
    this.#unreachable.delete(node);
    if (this.#unreachable.size === 0) this.#options.availability.up();
  }

  #failed(kind: OperationKind, node: string, error: unknown): void {
    if (isRefusal(error) && this.#options.isConnected()) {
      this.#answered(node);
      this.#refusedAt = Date.now();
      this.#refusals[kind].down(() => this.#options.explain(error));
      return;
    }
    this.#unreachable.add(node);
    this.#unansweredAt = Date.now();
    // Without a connection the reason is known there, and better.
    if (!this.#options.isConnected()) return;
    this.#options.availability.down(() => (error instanceof Error ? error.message : String(error)));
  }
}

/** Redis answered, with an error of its own (OOM, READONLY, NOPERM): it is not unreachable. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof Error &&
    error.name === 'ReplyError' &&
    // That is the answer to the handshake of a connection that never got ready.
    !REFUSED_IDENTITY.test(error.message)
  );
}

function unanswered(deadlineMs: number): AzureRedisError {
  return new AzureRedisError(
    'DEADLINE_EXCEEDED',
    `Redis did not answer within ${deadlineMs} ms ("cache.deadlineMs").`,
  );
}
