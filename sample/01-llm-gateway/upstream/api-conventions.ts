/** What is particular about asking one API. */
export interface ApiConventions {
  /** Headers of the caller that change the answer; no others are sent on. */
  readonly forwarded: readonly string[];
  /** How an API key is shown. */
  readonly keyHeader: (apiKey: string) => Record<string, string>;
}

const OPENAI: ApiConventions = {
  forwarded: [],
  keyHeader: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
};

/** By path; all others are OpenAI's. */
const CONVENTIONS: ReadonlyMap<string, ApiConventions> = new Map([
  [
    '/messages',
    {
      forwarded: ['anthropic-version', 'anthropic-beta'],
      keyHeader: (apiKey) => ({ 'x-api-key': apiKey }),
    },
  ],
]);

export function conventionsOf(path: string): ApiConventions {
  return CONVENTIONS.get(path) ?? OPENAI;
}
