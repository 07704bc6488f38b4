import type { OmittedFields } from '../key/canonical-json.js';

/** A marker for the provider's own prompt cache; it never changes the answer. */
const MARKER: ReadonlySet<string> = new Set(['cache_control', 'prompt_cache_breakpoint']);

/** Content blocks; the content of a tool result has blocks of its own. */
const CONTENT: OmittedFields = {
  names: MARKER,
  within: new Map([['content', { names: MARKER }]]),
};

const MESSAGES: OmittedFields = { names: MARKER, within: new Map([['content', CONTENT]]) };

const TOOLS: OmittedFields = {
  names: MARKER,
  within: new Map([['function', { names: MARKER }]]),
};

/**
 * What does not change the answer to an LLM request. A deny-list on purpose: a parameter that
 * nobody has classified is part of the key.
 *
 * Only for recognised LLM requests. On any other route `user` or `metadata` may be the question.
 */
export function omittedFromLlmRequest(names: readonly string[]): OmittedFields {
  return {
    names: new Set([...names, ...MARKER]),
    within: new Map([
      ['system', { names: MARKER }],
      ['messages', MESSAGES],
      ['input', MESSAGES],
      ['tools', TOOLS],
      // `include_usage` counts: it decides whether the answer tells its usage.
      ['stream_options', { names: new Set(['include_obfuscation']) }],
    ]),
  };
}
