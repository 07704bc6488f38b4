import type { Api } from '../api.js';
import { respond } from './model-response.js';
import { toEvents } from './response-stream.js';

/** @see [Responses](https://platform.openai.com/docs/api-reference/responses) */
export const responses: Api = ({ body }) => {
  const response = respond(body);
  return {
    tokenCount: response.tokenCount,
    json: response.done,
    events: (pace) => toEvents(response, body, pace),
  };
};
