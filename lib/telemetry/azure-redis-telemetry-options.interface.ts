import type { MeterProvider, TracerProvider } from '@opentelemetry/api';

/** @publicApi */
export interface AzureRedisTelemetryOptions {
  /**
   * Names of the connections whose tokens and connections are measured, as given to
   * `AzureRedisModule`. What is counted, is counted for all of them. @default ['default']
   */
  readonly connections?: readonly string[];
  /** @default the global one, as it is when the application starts */
  readonly meterProvider?: MeterProvider;
  /** @default the global one */
  readonly tracerProvider?: TracerProvider;
}
