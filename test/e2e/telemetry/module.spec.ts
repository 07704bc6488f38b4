import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { Test, type TestingModule } from '@nestjs/testing';
import { AzureRedisModule } from 'nestjs-azure-redis';
import {
  AzureRedisTelemetryModule,
  type AzureRedisTelemetryOptions,
} from 'nestjs-azure-redis/telemetry';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isHeard } from '../../../lib/azure-redis.channels.js';
import { RecordingLogger } from '../../fixtures/recording-logger.js';

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterAll(() => azure.stop());

/** An application with two connections, which is not started yet. */
async function build(options?: AzureRedisTelemetryOptions): Promise<TestingModule> {
  const connection = { ...azure.connection, credential: azure.credential };
  const app = await Test.createTestingModule({
    imports: [
      AzureRedisModule.forRoot(connection),
      AzureRedisModule.forRoot({ ...connection, name: 'second' }),
      AzureRedisTelemetryModule.forRoot(options),
    ],
  })
    .setLogger(new RecordingLogger())
    .compile();
  onTestFinished(() => app.close());
  return app;
}

/** Collects like the SDK of an application does. */
function startSdk(): { meterProvider: MeterProvider; connections(): Promise<readonly unknown[]> } {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => meterProvider.shutdown());
  return {
    meterProvider,
    connections: async () => {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics
        .flatMap((scope) => scope.metrics)
        .filter(({ descriptor }) => descriptor.name === 'db.client.connection.count')
        .flatMap(({ dataPoints }) => [...dataPoints])
        .map(({ attributes }) => attributes['db.client.connection.pool.name']);
    },
  };
}

describe('AzureRedisTelemetryModule', () => {
  it('measures the default connection by the global provider', async () => {
    const { meterProvider, connections } = startSdk();
    metrics.setGlobalMeterProvider(meterProvider);
    onTestFinished(() => metrics.disable());
    await (await build()).init();
    expect(await connections()).toStrictEqual(['default']);
  });

  it('measures those that are named, by the provider that is given', async () => {
    const { meterProvider, connections } = startSdk();
    await (await build({ meterProvider, connections: ['default', 'second'] })).init();
    expect(await connections()).toStrictEqual(['default', 'second']);
  });

  it('does no harm without an SDK', async () => {
    const app = await build();
    await app.init();
    expect(isHeard('llmCache')).toBe(true);
    await app.close();
    expect(isHeard('llmCache')).toBe(false);
  });

  it('listens from the start of the application to its end, twice if need be', async () => {
    const { meterProvider, connections } = startSdk();
    const app = await build({ meterProvider });
    expect(isHeard('storeOperation')).toBe(false);
    await app.init();
    expect(isHeard('storeOperation')).toBe(true);
    await app.close();
    expect(isHeard('storeOperation')).toBe(false);
    expect(await connections()).toStrictEqual([]);
    await (await build({ meterProvider })).init();
    expect(await connections()).toStrictEqual(['default']);
  });

  it('refuses a name that no connection has, and leaves nothing behind', async () => {
    const app = await build({ connections: ['default', 'nobody'] });
    await expect(app.init()).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(
        /^AzureRedisTelemetryModule: .*"connections", got "nobody"\. Import AzureRedisModule with this name/,
      ),
    });
    expect(isHeard('llmCache')).toBe(false);
  });
});
