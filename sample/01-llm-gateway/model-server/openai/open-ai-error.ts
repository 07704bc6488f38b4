import type { Refusal } from '../refusal.js';

/** A refusal in the shape of OpenAI's API. */
export function openAiError({ status, message, param, code }: Refusal): object {
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return { error: { message, type, param, code } };
}
