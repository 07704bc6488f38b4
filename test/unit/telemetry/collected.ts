import type { Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { onTestFinished } from 'vitest';
import {
  instrumentAzureRedis,
  type Instrumentation,
} from '../../../lib/telemetry/instrument-azure-redis.js';

export interface Point {
  readonly attributes: Attributes;
  /** A number, or what a histogram has. */
  readonly value: unknown;
}

export interface Collected {
  /** What ends the instrumentation. */
  readonly end: () => void;
  /** What is measured now; none for a metric that nothing was recorded of. */
  points(metric: string): Promise<readonly Point[]>;
  spans(): readonly ReadableSpan[];
}

/** Instruments with the SDK; nothing leaves the process. */
export function collect(connections: Instrumentation['connections'] = new Map()): Collected {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const finished = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(finished)];
  const tracerProvider = new NodeTracerProvider({ spanProcessors });
  const end = instrumentAzureRedis({ connections, meterProvider, tracerProvider });
  onTestFinished(async () => {
    end();
    await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()]);
  });
  return {
    end,
    spans: () => finished.getFinishedSpans(),
    points: async (metric) => {
      exporter.reset();
      await meterProvider.forceFlush();
      return exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ metrics }) => metrics)
        .filter(({ descriptor }) => descriptor.name === metric)
        .flatMap(({ dataPoints }) => [...dataPoints])
        .map(({ attributes, value }) => ({ attributes, value }));
    },
  };
}
