import type { BatchObservableCallback, Meter } from '@opentelemetry/api';
import type { AzureRedisConnection } from '../../client/azure-redis-connection.js';
import { CONNECTION, CONNECTION_STATE, DB_SYSTEM, OWN } from '../attributes.js';

/** Of the convention, whose other state is `idle`: none of these waits in a pool. */
const USED = { [CONNECTION_STATE]: 'used' } as const;

/**
 * What is true of each connection at the moment.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#metric-dbclientconnectioncount
 */
export function measureConnections(
  meter: Meter,
  connections: ReadonlyMap<string, Pick<AzureRedisConnection, 'status'>>,
): () => void {
  const count = meter.createObservableUpDownCounter('db.client.connection.count', {
    unit: '{connection}',
    description: 'Connections to Redis that are open and kept authenticated.',
  });
  const timeToExpiry = meter.createObservableGauge(`${OWN}.token.time_to_expiry`, {
    unit: 's',
    description: 'Time until the current Entra token expires; 0 without one.',
  });
  const timeToReauthentication = meter.createObservableGauge(
    `${OWN}.connection.time_to_reauthentication`,
    {
      unit: 's',
      description:
        'Time until the first connection must have a newer token; 0 without a connection.',
    },
  );
  const observables = [count, timeToExpiry, timeToReauthentication];
  const observe: BatchObservableCallback = (result) => {
    for (const [name, { status }] of connections) {
      const attributes = { ...DB_SYSTEM, [CONNECTION]: name };
      result.observe(count, status.managedConnections, { ...attributes, ...USED });
      // Without a value, the SDK would repeat the last one for ever.
      result.observe(timeToExpiry, status.secondsToExpiry ?? 0, attributes);
      result.observe(timeToReauthentication, status.secondsToReauthentication ?? 0, attributes);
    }
  };
  meter.addBatchObservableCallback(observe, observables);
  return () => meter.removeBatchObservableCallback(observe, observables);
}
