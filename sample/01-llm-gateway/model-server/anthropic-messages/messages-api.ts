import type { Api } from '../api.js';
import { toEvents } from './message-stream.js';
import { reply } from './message.js';

/** @see [Messages](https://platform.claude.com/docs/en/api/messages) */
export const messages: Api = (request) => {
  const message = reply(request);
  return {
    tokenCount: message.tokenCount,
    json: message.done,
    events: (pace) => toEvents(message, pace),
  };
};
