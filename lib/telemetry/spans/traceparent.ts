import { isSpanContextValid, TraceFlags, type SpanContext } from '@opentelemetry/api';

/** Version 00 of W3C Trace Context; entries are written by this package only. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * @returns `undefined` for a trace that is not sampled: a link to it would lead nowhere
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function writeTraceparent(context: SpanContext): string | undefined {
  const { traceId, spanId, traceFlags } = context;
  const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  return isSampled && isSpanContextValid(context) ? `00-${traceId}-${spanId}-01` : undefined;
}

/** @returns `undefined` for what is none */
export function readTraceparent(text: string): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}
