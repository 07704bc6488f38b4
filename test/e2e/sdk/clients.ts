import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic, type AnthropicProvider } from '@ai-sdk/anthropic';
import { createOpenAI, type OpenAIProvider } from '@ai-sdk/openai';
import { ChatOpenAI } from '@langchain/openai';
import OpenAI from 'openai';

/** Where the clients send their requests, and what sends them. */
export interface Endpoint {
  /** Without `/v1`. */
  readonly url: string;
  readonly fetch?: typeof globalThis.fetch;
}

/** The official clients of one caller. */
export interface Clients {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly aiOpenai: OpenAIProvider;
  readonly aiAnthropic: AnthropicProvider;
  readonly langchain: ChatOpenAI;
}

const MODEL = 'gpt-4o-mini';

export function clientsOf({ url, fetch }: Endpoint, apiKey: string): Clients {
  const by = fetch && { fetch };
  const baseURL = `${url}/v1`;
  return {
    openai: new OpenAI({ baseURL, apiKey, maxRetries: 0, ...by }),
    anthropic: new Anthropic({ baseURL: url, apiKey, maxRetries: 0, ...by }),
    aiOpenai: createOpenAI({ baseURL, apiKey, ...by }),
    aiAnthropic: createAnthropic({ baseURL, apiKey, ...by }),
    langchain: new ChatOpenAI({
      model: MODEL,
      apiKey,
      maxRetries: 0,
      configuration: { baseURL, ...by },
    }),
  };
}
