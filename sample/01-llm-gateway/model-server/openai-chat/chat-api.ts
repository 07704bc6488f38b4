import type { Api } from '../api.js';
import { completeChat, toJson } from './chat-completion.js';
import { toEvents } from './chat-stream.js';

/** @see [Chat completions](https://platform.openai.com/docs/api-reference/chat) */
export const chatCompletions: Api = ({ body }) => {
  const completion = completeChat(body);
  return {
    tokenCount: completion.tokenCount,
    json: toJson(completion),
    events: (pace) => toEvents(completion, body, pace),
  };
};
