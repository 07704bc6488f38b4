import type { OmittedFields } from './canonical-json.js';

/** A marker for the provider's prompt cache; it never changes the answer. */
const PROMPT_CACHE_MARKER: ReadonlySet<string> = new Set(['cache_control']);

/** Content blocks; the content of a tool result has blocks of its own. */
const CONTENT: OmittedFields = {
  names: PROMPT_CACHE_MARKER,
  within: new Map([['content', { names: PROMPT_CACHE_MARKER }]]),
};

const MESSAGES: OmittedFields = {
  names: PROMPT_CACHE_MARKER,
  within: new Map([['content', CONTENT]]),
};

const TOOLS: OmittedFields = {
  names: PROMPT_CACHE_MARKER,
  within: new Map([['function', { names: PROMPT_CACHE_MARKER }]]),
};

/**
 * What does not change the answer to an LLM request. A deny-list on purpose: a parameter that
 * nobody has classified is part of the key.
 *
 * Only for recognised LLM requests. On any other route `user` or `metadata` may be the question.
 */
export const NON_SEMANTIC_LLM_FIELDS: OmittedFields = {
  names: new Set([
    'user',
    'safety_identifier',
    'metadata',
    'prompt_cache_key',
    'prompt_cache_retention',
    'prompt_cache_options',
    'service_tier',
    'store',
    'stream_options',
    'cache_control',
    // LiteLLM's request controls: no caller may pick its own key or namespace with them.
    'cache',
  ]),
  within: new Map([
    ['system', { names: PROMPT_CACHE_MARKER }],
    ['messages', MESSAGES],
    ['input', MESSAGES],
    ['tools', TOOLS],
  ]),
};
