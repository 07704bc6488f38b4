import { isJsonObject, parseJson, type JsonObject } from '../json-object.js';
import { isError } from './answer-data.js';

/**
 * What an event of a stream of JSON objects says. `done`: nothing counts that comes after it.
 * `error`: the answer failed, or what came is no JSON. `nothing`: no data, which clients ignore.
 */
export type StreamEvent = JsonObject | 'done' | 'error' | 'nothing';

export function readStreamEvent(name: string | undefined, data: string): StreamEvent {
  if (data.trim() === '[DONE]') return 'done';
  if (name === 'error') return 'error';
  if (data === '') return 'nothing';
  const event = parseJson(data);
  if (!isJsonObject(event) || isError(event) || event['type'] === 'error') return 'error';
  return event;
}
