import type { BareSettings, FetchSettings, NestSettings } from '../servers/settings.js';

/** Which program serves, and how it is set. */
export type ServerPlan =
  | { readonly program: 'bare'; readonly settings: BareSettings }
  | { readonly program: 'nest'; readonly settings: NestSettings }
  | { readonly program: 'fetch'; readonly settings: FetchSettings };

export interface RequestPlan {
  readonly method: 'GET' | 'POST';
  /** Text of the body; a `UNIQUE` in it is another one in each request. */
  readonly body?: string;
  /** How many bodies there are, asked for in turn; without it, each `UNIQUE` is a new one. */
  readonly variants?: number;
  readonly answer: 'completion' | 'stream' | 'text';
  /** Size of a completion; 2 KB without it. */
  readonly answerBytes?: number;
}

/** Where the answer comes from, which is checked before and after each measurement. */
export type Source =
  /** The cache: no request reaches what makes answers. */
  | 'cache'
  /** The cache, and the answer says so: `X-Cache: HIT`. */
  | 'cache-header'
  /** A handler that makes it each time. */
  | 'handler'
  /** A constant of the server, which counts nothing. */
  | 'constant';

/** One kind of request, and what it must come to. */
export interface Workload {
  readonly request: RequestPlan;
  readonly source: Source;
  /** Whether connections must be re-authenticated while it is measured. */
  readonly rotates?: boolean;
}

/** A server under the load of one kind of request. */
export interface ServedWorkload extends Workload {
  readonly server: ServerPlan;
}

/** One line of a table. */
export interface Row extends ServedWorkload {
  readonly name: string;
  readonly title: string;
  readonly group: string;
  /** The row that the table compares it with. */
  readonly reference: string;
}

/** What cannot be measured by load on one server: one number. */
export interface Probe {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
}
