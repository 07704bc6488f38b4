import type { Json } from './json-http.js';

/** A refusal in the shape that OpenAI's API answers with. */
export class OpenAiError extends Error {
  override readonly name = 'OpenAiError';

  constructor(
    readonly status: number,
    message: string,
    readonly param: string | null = null,
    readonly code: string | null = null,
  ) {
    super(message);
  }

  toBody(): {
    error: { message: string; type: string; param: string | null; code: string | null };
  } {
    const type = this.status < 500 ? 'invalid_request_error' : 'server_error';
    return { error: { message: this.message, type, param: this.param, code: this.code } };
  }
}

/** The model's name; any name will do. */
export function requireModel(body: Json): string {
  if (typeof body.model !== 'string' || body.model === '') {
    throw new OpenAiError(400, 'you must provide a model parameter');
  }
  return body.model;
}

/** A whole number from 1 to `maximum`, or `fallback` when the parameter is left out. */
export function wholeNumber(body: Json, param: string, fallback: number, maximum: number): number {
  const value = body[param] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > maximum) {
    throw new OpenAiError(
      400,
      `Invalid '${param}': expected an integer from 1 to ${maximum}.`,
      param,
      'invalid_value',
    );
  }
  return value;
}
