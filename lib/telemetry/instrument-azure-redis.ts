import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import type { AzureRedisConnection } from '../client/azure-redis-connection.js';
import { measureAuthentication } from './metrics/authentication-metrics.js';
import { measureConnections } from './metrics/connection-metrics.js';
import { measureLlmCaches } from './metrics/llm-cache-metrics.js';
import { measureStores } from './metrics/store-metrics.js';
import { traceLookups } from './spans/lookup-spans.js';
import { nameTraces } from './spans/trace-names.js';

/** Of the meter and the tracer. */
const SCOPE = 'nestjs-azure-redis';

export interface Instrumentation {
  readonly connections: ReadonlyMap<string, Pick<AzureRedisConnection, 'status'>>;
  readonly meterProvider?: MeterProvider | undefined;
  readonly tracerProvider?: TracerProvider | undefined;
}

/** @returns what ends it */
export function instrumentAzureRedis({
  connections,
  meterProvider = metrics.getMeterProvider(),
  tracerProvider = trace.getTracerProvider(),
}: Instrumentation): () => void {
  const meter = meterProvider.getMeter(SCOPE);
  const ends = [
    measureConnections(meter, connections),
    ...measureAuthentication(meter),
    measureStores(meter),
    measureLlmCaches(meter),
    traceLookups(tracerProvider.getTracer(SCOPE)),
    nameTraces(),
  ];
  return () => {
    for (const end of ends.splice(0)) end();
  };
}
