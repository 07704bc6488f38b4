import type { JsonObject } from '../json-object.js';
import { anthropicMessages } from './anthropic-messages.js';
import { json } from './json.js';
import type { LlmProtocol } from './llm-protocol.interface.js';
import { openAiChat, openAiText } from './openai-chat.js';
import { openAiEmbeddings } from './openai-embeddings.js';
import { openAiResponses } from './openai-responses.js';

/** In the order in which they are asked. */
export const PROTOCOLS: readonly LlmProtocol[] = [
  openAiChat,
  openAiText,
  openAiEmbeddings,
  openAiResponses,
  anthropicMessages,
  json,
];

/** @param own protocols of the user, which are asked first */
export function recogniseProtocol(
  path: string,
  body: JsonObject,
  own: readonly LlmProtocol[],
): LlmProtocol {
  // Routers ignore the case and a slash at the end.
  const normalised = path.toLowerCase().replace(/\/$/, '');
  return [...own, ...PROTOCOLS].find((protocol) => protocol.recognises(normalised, body)) ?? json;
}

/** Whether the answer to the request is an event stream of a known API. */
export const isKnownStream = (protocol: LlmProtocol, body: JsonObject): boolean =>
  protocol.name !== json.name && protocol.asksForStream(body);
