import type { IncomingHttpHeaders } from 'node:http';
import type { Json } from './json.js';
import type { Pace } from './model/pace.js';

export interface ApiRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: Json;
}

/** What an API answers, not yet sent. */
export interface ApiAnswer {
  /** How much the model has to say before the JSON is complete; none for no wait at all. */
  readonly tokenCount?: number;
  /** Of the wait for a first token. @default 1 */
  readonly firstTokenShare?: number;
  readonly json: object;
  /** The answer in pieces, for `stream: true`. */
  readonly events?: (pace: Pace) => AsyncIterable<string>;
}

/** One path of the server. Throws a `Refusal`. */
export type Api = (request: ApiRequest) => ApiAnswer;
