import { SpanKind, type Attributes, type Tracer } from '@opentelemetry/api';
import type { LlmCacheEvent } from '../../llm-cache/accounting/llm-cache-event.interface.js';
import { OWN, RESULT, ROUTE } from '../attributes.js';
import { hear } from '../hear.js';
import { readTraceparent } from './traceparent.js';

/**
 * A span for each look-up, a child of what is active in its request, linked to the trace of the call
 * that the answer comes from. It is internal and has no attribute of the GenAI conventions: a hit is
 * no call of a provider. It ends with the decision; that of a shared call with its answer.
 */
export function traceLookups(tracer: Tracer): () => void {
  return hear('llmCache', (event) => {
    const { result, startedAt, trace } = event;
    if (result === 'bypass') return;
    const origin = trace === undefined ? undefined : readTraceparent(trace);
    const now = performance.timeOrigin + performance.now();
    const span = tracer.startSpan(`llm_cache ${result}`, {
      kind: SpanKind.INTERNAL,
      startTime: startedAt ?? now,
      attributes: attributesOf(event),
      links: origin === undefined ? [] : [{ context: origin }],
    });
    // The clock that startedAt is read from; the default has whole milliseconds only.
    span.end(now);
  });
}

/** What is not known is left out. */
function attributesOf(event: LlmCacheEvent): Attributes {
  return {
    [RESULT]: event.result,
    [ROUTE]: event.route,
    [`${OWN}.llm_cache.model`]: event.model,
    [`${OWN}.llm_cache.answer.size`]: event.bytes,
    [`${OWN}.llm_cache.saved.input_tokens`]: event.savedInputTokens,
    [`${OWN}.llm_cache.saved.output_tokens`]: event.savedOutputTokens,
    [`${OWN}.llm_cache.saved.cost`]: event.savedCost,
    [`${OWN}.llm_cache.saved.upstream_ms`]: event.savedUpstreamMs,
  };
}
