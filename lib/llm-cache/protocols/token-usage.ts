import type { TokenUsage } from './llm-protocol.interface.js';

/** What of it can be true; `undefined` if nothing can. */
export function tokenUsage(
  input: unknown,
  output: unknown,
  model: unknown,
): TokenUsage | undefined {
  const usage: TokenUsage = {
    ...(isTokenCount(input) && { inputTokens: input }),
    ...(isTokenCount(output) && { outputTokens: output }),
    // Azure's first event of a stream has a model without a name.
    ...(typeof model === 'string' && model !== '' && { model }),
  };
  return Object.keys(usage).length === 0 ? undefined : usage;
}

export const isTokenCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
