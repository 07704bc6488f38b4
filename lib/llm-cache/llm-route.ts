import { isJsonObject } from './json-object.js';

/** A well-known LLM API, recognised by the end of the path and the shape of the body. */
export interface LlmRoute {
  /** LiteLLM's names for it. */
  readonly callTypes: readonly string[];
}

interface KnownRoute extends LlmRoute {
  readonly suffix: string;
  /** Members of which one must be present: the prompt by its name in this API. */
  readonly prompts: readonly string[];
}

/** Longest suffix first: `/chat/completions` also ends in `/completions`. */
const KNOWN_ROUTES: readonly KnownRoute[] = [
  {
    suffix: '/chat/completions',
    callTypes: ['completion', 'acompletion'],
    prompts: ['messages'],
  },
  {
    suffix: '/completions',
    callTypes: ['text_completion', 'atext_completion'],
    prompts: ['prompt'],
  },
  { suffix: '/embeddings', callTypes: ['embedding', 'aembedding'], prompts: ['input'] },
  { suffix: '/responses', callTypes: ['responses', 'aresponses'], prompts: ['input', 'prompt'] },
  {
    suffix: '/messages',
    callTypes: ['anthropic_messages', 'aanthropic_messages'],
    prompts: ['messages'],
  },
];

export function recogniseLlmRoute(path: string, body: unknown): LlmRoute | undefined {
  if (!isJsonObject(body)) return undefined;
  // Routers ignore the case and a slash at the end.
  const normalised = path.toLowerCase().replace(/\/$/, '');
  const route = KNOWN_ROUTES.find(({ suffix }) => normalised.endsWith(suffix));
  return route?.prompts.some((name) => Object.hasOwn(body, name)) ? route : undefined;
}
