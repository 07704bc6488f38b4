import type { Meter } from '@opentelemetry/api';
import { DB_OPERATION, DB_SYSTEM, ERROR_TYPE, OWN } from '../attributes.js';
import { hear } from '../hear.js';

/** Those of the convention. */
const BUCKETS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/**
 * Reads and writes of the stores.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#metric-dbclientoperationduration
 */
export function measureStores(meter: Meter): () => void {
  const duration = meter.createHistogram('db.client.operation.duration', {
    unit: 's',
    description: 'Duration of database client operations.',
    advice: { explicitBucketBoundaries: BUCKETS_S },
  });
  const skipped = meter.createCounter(`${OWN}.store.skipped_operations`, {
    unit: '{operation}',
    description: 'Reads and writes that were not sent, because Redis was out of reach.',
  });
  return hear('storeOperation', ({ command, outcome, durationMs, errorType }) => {
    const attributes = { ...DB_SYSTEM, [DB_OPERATION]: command };
    if (outcome === 'skipped') {
      skipped.add(1, attributes);
    } else {
      duration.record(durationMs / 1_000, {
        ...attributes,
        ...(errorType !== undefined && { [ERROR_TYPE]: errorType }),
      });
    }
  });
}
