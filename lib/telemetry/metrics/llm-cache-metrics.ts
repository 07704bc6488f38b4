import type { Meter } from '@opentelemetry/api';
import { BYPASS_REASON, OWN, REQUEST_MODEL, RESULT, ROUTE } from '../attributes.js';
import { hear } from '../hear.js';
import { countSavings } from './savings.js';

const KIBIBYTE = 1_024;
const BUCKETS_BY = [1, 4, 16, 64, 256, 1_024, 4_096].map((size) => size * KIBIBYTE);

/**
 * What the LLM cache does. The numbers of models and routes are bounded together, as in
 * `LlmCacheService.stats`.
 */
export function measureLlmCaches(meter: Meter): () => void {
  const requests = meter.createCounter(`${OWN}.llm_cache.requests`, {
    unit: '{request}',
    description:
      'Requests to the LLM cache by result; a refresh in the background and a shadow are a miss too.',
  });
  const size = meter.createHistogram(`${OWN}.llm_cache.answer.size`, {
    unit: 'By',
    description: 'Size of the answers that were found or shared.',
    advice: { explicitBucketBoundaries: BUCKETS_BY },
  });
  const saved = countSavings(meter, 'saved', 'without a call of their own');
  const shadow = countSavings(meter, 'shadow', 'if their answers had been given (shadow mode)');
  return hear('llmCache', (event) => {
    const { result, model, route, reason, bytes } = event;
    const labels = { [REQUEST_MODEL]: model, [ROUTE]: route };
    requests.add(1, {
      [RESULT]: result,
      ...labels,
      ...(reason !== undefined && { [BYPASS_REASON]: reason }),
    });
    if (bytes !== undefined) size.record(bytes, { [RESULT]: result });
    const count = result === 'shadow' ? shadow : saved;
    count(event, labels);
  });
}
