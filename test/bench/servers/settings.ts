/** The environment variable by which a server learns its settings, as JSON. */
export const SETTINGS = 'BENCH_SETTINGS';

/** Where the Redis of the bench is; any password of its user is right. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  /** The name in its certificate. */
  readonly servername: string;
  readonly username: string;
  /** Whether it is a node of a cluster. */
  readonly isCluster?: boolean;
}

/** `node:http` and nothing else. */
export interface BareSettings {
  readonly store: 'map' | 'redis';
  /** What an answer is stored by: the path, or SHA-256 of the bytes of the body. */
  readonly key: 'path' | 'body';
}

export type NestRoute =
  /** A JSON value, without a cache. */
  | 'value'
  /** The same bytes always, written to the raw response. */
  | 'constant'
  /** The same bytes always, by an interceptor that does nothing else. */
  | 'intercepted'
  /** What `getBuffer` of ioredis has, written to the raw response. */
  | 'redis-bytes'
  /** The stock `CacheInterceptor`. */
  | 'stock'
  /** `LlmCacheInterceptor`, over a value. */
  | 'cached'
  /** One buffer, piped. */
  | 'piped'
  /** `LlmCacheInterceptor`, over an event stream. */
  | 'cached-stream'
  /** An event stream frame by frame, without a cache. */
  | 'stream';

export interface NestSettings {
  readonly platform: 'fastify' | 'express';
  readonly route: NestRoute;
  /** Stores of the stock interceptor, the first one asked first. */
  readonly stores?: readonly ('memory' | 'redis')[];
  /** Options `cache` of the module; deadlines are so long that load makes no miss. */
  readonly cache?: object;
  /** Size of the value; 2 KB without it. */
  readonly answerBytes?: number;
  /** A new token so often; without it, one for an hour. */
  readonly rotationMs?: number;
}

/** A client of a model: the AI SDK behind a route of `node:http`. */
export interface FetchSettings {
  /** Our `fetch`, the caching middleware of the AI SDK's documentation, or no cache. */
  readonly cachedBy: 'fetch' | 'middleware' | 'nothing';
}

/** Connections of this package, which do nothing. */
export type ConnectionsSettings = Readonly<Record<string, never>>;

export interface Settings {
  readonly redis: RedisAddress;
  /** Before every key. */
  readonly namespace: string;
}

/** What the bench has set, as JSON. */
export function settingsText(): string {
  const text = process.env[SETTINGS];
  if (text === undefined) throw new Error(`Expected the environment variable ${SETTINGS}.`);
  return text;
}
