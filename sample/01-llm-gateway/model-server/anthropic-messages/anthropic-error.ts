import type { Refusal } from '../refusal.js';

const TYPES: ReadonlyMap<number, string> = new Map([
  [400, 'invalid_request_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
]);

/** A refusal in the shape of Anthropic's API. */
export function anthropicError({ status, message }: Refusal): object {
  return { type: 'error', error: { type: TYPES.get(status) ?? 'api_error', message } };
}
