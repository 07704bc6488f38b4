import type { Json } from '../json.js';
import { Refusal } from '../refusal.js';

/** The model's name; any name will do. */
export function requireModel(body: Json): string {
  if (typeof body.model !== 'string' || body.model === '') {
    throw new Refusal(400, 'you must provide a model parameter');
  }
  return body.model;
}

/** A whole number from 1 to `maximum`, or `fallback` when the parameter is left out. */
export function wholeNumber(body: Json, param: string, fallback: number, maximum: number): number {
  const value = body[param] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > maximum) {
    throw new Refusal(
      400,
      `Invalid '${param}': expected an integer from 1 to ${maximum}.`,
      param,
      'invalid_value',
    );
  }
  return value;
}

export function missing(param: string): Refusal {
  return new Refusal(
    400,
    `Missing required parameter: '${param}'.`,
    param,
    'missing_required_parameter',
  );
}

/** Parameters that say how the answer is delivered or kept, not what it is. */
const DELIVERY = new Set([
  'stream',
  'stream_options',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'metadata',
  'store',
]);

/** Everything in the request that the answer depends on. */
export function contentOf(body: Json): string {
  return JSON.stringify(Object.entries(body).filter(([name]) => !DELIVERY.has(name)));
}
