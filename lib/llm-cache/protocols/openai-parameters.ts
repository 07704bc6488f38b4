import { omittedFromLlmRequest } from './prompt-cache-markers.js';

/** Who asks, for whom and how it is billed; how the provider caches, stores and schedules. */
export const OMITTED_FROM_OPENAI = omittedFromLlmRequest([
  'user',
  'safety_identifier',
  'metadata',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
  'service_tier',
  'store',
  // LiteLLM's request controls: no caller may pick its own key or namespace with them.
  'cache',
]);
