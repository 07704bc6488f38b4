import { context, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { currentTrace } from '../../../lib/llm-cache/recording/current-trace.js';
import { collect } from './collected.js';

describe('the trace that an answer names', () => {
  it('is the active one, until the last instrumentation has ended', () => {
    const tracers = new NodeTracerProvider();
    tracers.register();
    onTestFinished(() => {
      trace.disable();
      context.disable();
    });
    const [first, second] = [collect(), collect()];
    expect(currentTrace()).toBeUndefined();
    tracers.getTracer('test').startActiveSpan('request', (span) => {
      const { traceId, spanId } = span.spanContext();
      expect(currentTrace()).toBe(`00-${traceId}-${spanId}-01`);
      first.end();
      first.end();
      expect(currentTrace()).toBeDefined();
      second.end();
      expect(currentTrace()).toBeUndefined();
    });
  });
});
