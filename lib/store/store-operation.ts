import { isHeard, publish } from '../azure-redis.channels.js';
import { errorType } from '../client/error-type.js';

/** Of `diagnostics_channel`, behind the name of the package. */
const CHANNEL = 'storeOperation';

/**
 * The message of the diagnostics channel `nestjs-azure-redis:storeOperation`, one for each read and
 * write of a store, and for each node of a cluster that has a part in it. It never carries a key or
 * a value.
 *
 * @publicApi
 */
export interface StoreOperationEvent {
  /** Of Redis, e.g. `GET`. */
  readonly command: string;
  /** `skipped`: not sent, because Redis was known to be out of reach. */
  readonly outcome: 'answered' | 'failed' | 'skipped';
  readonly durationMs: number;
  /** Of a failure: a code of this package, or the first word of what Redis answered. */
  readonly errorType?: string;
}

type Report = (outcome: StoreOperationEvent['outcome'], error?: unknown) => void;

/** @returns what tells of the end of the operation, if anybody listens */
export function reportOperation(command: string): Report | undefined {
  if (!isHeard(CHANNEL)) return undefined;
  const startedAt = performance.now();
  return (outcome, error) => {
    const event: StoreOperationEvent = {
      command,
      outcome,
      durationMs: performance.now() - startedAt,
      ...(outcome === 'failed' && { errorType: errorType(error) }),
    };
    publish(CHANNEL, event);
  };
}
