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
  readonly answer: 'completion' | 'stream' | 'text';
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

/** One line of a table: a server under the load of one kind of request. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly group: string;
  readonly server: ServerPlan;
  readonly request: RequestPlan;
  readonly source: Source;
  /** The row that the table compares it with. */
  readonly reference: string;
  /** Whether connections must be re-authenticated while it is measured. */
  readonly rotates?: boolean;
}

/** What cannot be measured by load on one server: one number. */
export interface Probe {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
}
