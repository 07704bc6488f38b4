import { anthropicError } from './anthropic-messages/anthropic-error.js';
import { messages } from './anthropic-messages/messages-api.js';
import type { Api } from './api.js';
import { chatCompletions } from './openai-chat/chat-api.js';
import { embeddings } from './openai-embeddings/embeddings-api.js';
import { models } from './openai-models/models-api.js';
import { responses } from './openai-responses/responses-api.js';
import { openAiError } from './openai/open-ai-error.js';
import { Refusal } from './refusal.js';

const APIS: ReadonlyMap<string, Api> = new Map([
  ['POST /v1/chat/completions', chatCompletions],
  ['POST /v1/responses', responses],
  ['POST /v1/messages', messages],
  ['POST /v1/embeddings', embeddings],
  ['GET /v1/models', models],
]);

export function pathOf(url: string): string {
  // Azure OpenAI serves the same API one folder deeper.
  return url.replace(/\?.*$/, '').replace(/^\/openai(?=\/v1\/)/, '');
}

export function apiOf(method: string, path: string): Api {
  const api = APIS.get(`${method} ${path}`);
  if (api === undefined) {
    throw new Refusal(404, `Invalid URL (${method} ${path})`, null, 'unknown_url');
  }
  return api;
}

/** How the API of a path words a refusal, and what it calls the header with the request's id. */
export function conventionsOf(path: string): {
  errorBody: (refusal: Refusal) => object;
  requestIdHeader: string;
} {
  return path.startsWith('/v1/messages')
    ? { errorBody: anthropicError, requestIdHeader: 'request-id' }
    : { errorBody: openAiError, requestIdHeader: 'x-request-id' };
}
