import type { LlmCachePricing } from 'nestjs-azure-redis';

/** US dollars for a million tokens. */
interface Price {
  readonly input: number;
  readonly output: number;
}

/** The list price of the default model stands in for models that are not in the list. */
const DEFAULT_PRICE: Price = { input: 0.15, output: 0.6 };
const PRICES: ReadonlyMap<string, Price> = new Map([
  ['gpt-4o-mini', DEFAULT_PRICE],
  ['gpt-4o', { input: 2.5, output: 10 }],
  ['claude-haiku-4-5', { input: 1, output: 5 }],
]);

/** What an answer would have cost, in US dollars. */
export const pricing: LlmCachePricing = ({ model, inputTokens, outputTokens }) => {
  const { input, output } = PRICES.get(model ?? '') ?? DEFAULT_PRICE;
  return (inputTokens * input + outputTokens * output) / 1_000_000;
};
