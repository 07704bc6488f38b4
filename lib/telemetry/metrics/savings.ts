import type { Attributes, Meter } from '@opentelemetry/api';
import type { LlmCacheSavings } from '../../llm-cache/accounting/llm-cache-event.interface.js';
import { OWN, TOKEN_TYPE } from '../attributes.js';

/**
 * What requests did without.
 *
 * @param how it came about, for people
 */
export function countSavings(
  meter: Meter,
  kind: 'saved' | 'shadow',
  how: string,
): (savings: LlmCacheSavings, labels: Attributes) => void {
  const name = `${OWN}.llm_cache.${kind}`;
  const tokens = meter.createCounter(`${name}.tokens`, {
    unit: '{token}',
    description: `Tokens that requests did not use, ${how}.`,
  });
  const cost = meter.createCounter(`${name}.cost`, {
    unit: '{currency}',
    description: `What requests did not cost, ${how}; in the currency of "cache.llm.pricing".`,
  });
  const time = meter.createCounter(`${name}.upstream_time`, {
    unit: 's',
    description: `Time that requests did not take upstream, ${how}.`,
  });
  return ({ savedInputTokens, savedOutputTokens, savedCost, savedUpstreamMs }, labels) => {
    if (savedInputTokens !== undefined) {
      tokens.add(savedInputTokens, { ...labels, [TOKEN_TYPE]: 'input' });
    }
    if (savedOutputTokens !== undefined) {
      tokens.add(savedOutputTokens, { ...labels, [TOKEN_TYPE]: 'output' });
    }
    if (savedCost !== undefined) cost.add(savedCost, labels);
    if (savedUpstreamMs !== undefined) time.add(savedUpstreamMs / 1_000, labels);
  };
}
