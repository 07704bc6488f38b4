import type { ConnectionOptions } from 'node:tls';
import type {
  AuthorityValidationOptions,
  TokenCredential,
  TokenCredentialOptions,
} from '@azure/identity';
import type { ClusterOptions, RedisOptions } from 'ioredis';
import type { LlmCacheOptions, ResolvedLlmCacheOptions } from './llm-cache-options.interface.js';

/**
 * `standalone`: one endpoint (Azure Cache for Redis, and Azure Managed Redis with the
 * Enterprise or non-clustered policy). `cluster`: Azure Managed Redis with the OSS policy.
 *
 * @publicApi
 */
export type AzureRedisTopology = 'standalone' | 'cluster';

/** @publicApi */
export type AzureCredentialKind =
  | 'default'
  | 'managed-identity'
  | 'client-secret'
  | 'client-certificate'
  | 'workload-identity'
  | 'azure-cli';

/**
 * Which Entra identity to use. Without `kind` the ids decide, first match wins: client id +
 * tenant + secret; client id + tenant + certificate; federated token file; client id alone
 * (user-assigned managed identity); nothing (`DefaultAzureCredential`).
 *
 * @publicApi
 */
export interface AzureCredentialOptions {
  kind?: AzureCredentialKind;
  clientId?: string;
  tenantId?: string;
  clientSecret?: string;
  /** File with the PEM certificate and private key of the service principal. */
  certificatePath?: string;
  /** The PEM certificate and private key themselves. */
  certificate?: string;
  /** File with the projected service account token (AKS workload identity). */
  federatedTokenFile?: string;
  /** Resource id of a user-assigned managed identity, instead of its client id. */
  resourceId?: string;
  /** Object id of a user-assigned managed identity, instead of its client id. */
  objectId?: string;
  /** Entra endpoint of a sovereign cloud. @default https://login.microsoftonline.com */
  authorityHost?: string;
  /** Passed to the @azure/identity constructor: retries, TLS, proxy, logging. */
  sdk?: TokenCredentialOptions & AuthorityValidationOptions & { tlsOptions?: { ca?: string } };
}

/** Limits in milliseconds. @publicApi */
export interface AzureRedisDeadlines {
  /** One request to Entra. @default 10000 */
  tokenMs?: number;
  /** TCP and TLS of a new connection. @default 10000 */
  connectMs?: number;
  /** HELLO/AUTH until the connection is ready; Azure may take 10 s. @default 15000 */
  handshakeMs?: number;
  /** One AUTH with a fresh token on a live connection. @default 10000 */
  reauthMs?: number;
  /** A connection that owes answers and sends nothing for so long is replaced. @default 30000 */
  silenceMs?: number;
}

/**
 * What each process remembers of its cache, so that it need not ask Redis for what is wanted often.
 *
 * @publicApi
 */
export interface AzureRedisNearCacheOptions {
  /** Of the answers to LLM requests, and as much again of other values. @default 33554432 (32 MiB) */
  maxBytes?: number;
  /** The same in entries. @default 10000 */
  maxEntries?: number;
  /**
   * After so many milliseconds Redis is asked again. Until then, a value that another process has
   * overwritten may still be given; what is invalidated or deleted is forgotten at once. @default 1000
   */
  maxAgeMs?: number;
  /** Whether encrypted entries are remembered decrypted. @default false */
  decrypted?: boolean;
}

/** @publicApi */
export interface AzureRedisCacheOptions {
  /** Prefix of every key. @default 'cache' */
  namespace?: string;
  /** Lifetime of an entry when the caller names none. @default 3600000 (1 h) */
  ttlMs?: number;
  /** How long a cached route may wait for Redis before it goes on without. @default 250 */
  deadlineMs?: number;
  /**
   * `default_off`: no LLM route is cached.
   * @default 'default_on'
   */
  mode?: 'default_on' | 'default_off';
  /**
   * LiteLLM's call types that may be cached, e.g. `['acompletion', 'aembedding']`; `[]` caches
   * no LLM answer. @default all
   */
  supportedCallTypes?: readonly string[];
  /** `true`: with the defaults. @default false */
  near?: boolean | AzureRedisNearCacheOptions;
  /** The cache of LLM answers. */
  llm?: LlmCacheOptions;
}

/**
 * ioredis options that are passed through. Address, TLS, db, identity and deadlines have options
 * of their own; `keyPrefix` and `replyMapping` would change keys and replies under the store;
 * Azure has no Sentinel.
 *
 * @publicApi
 */
export type AzureRedisPassThroughOptions = Omit<
  RedisOptions,
  | 'host'
  | 'port'
  | 'path'
  | 'db'
  | 'tls'
  | 'username'
  | 'password'
  | 'Connector'
  | 'sentinels'
  | 'sentinelUsername'
  | 'sentinelPassword'
  | 'sentinelTLS'
  | 'commandTimeout'
  | 'connectTimeout'
  | 'lazyConnect'
  | 'keyPrefix'
  | 'replyMapping'
> & { cluster?: Omit<ClusterOptions, 'redisOptions' | 'lazyConnect' | 'keyPrefix'> };

/** What the user writes. @publicApi */
export interface AzureRedisModuleOptions {
  /** DNS name, e.g. `my-cache.westeurope.redis.azure.net`; no scheme, no port. */
  host?: string;
  /** @default 10000; 6380 for `*.redis.cache.windows.net` and its sovereign clouds */
  port?: number;
  /** @default 'standalone' */
  topology?: AzureRedisTopology;
  /** More start nodes of a cluster, beside host and port. */
  startupNodes?: readonly { host: string; port?: number }[];
  /** TLS options; `false` sends the token in clear text and is only for a tunnel. @default true */
  tls?: boolean | ConnectionOptions;
  /** @default 0; a cluster has no other */
  db?: number;
  /** Object id of the identity. @default the token's `oid` claim; `''` means the same */
  username?: string;
  /** @default DefaultAzureCredential */
  credential?: TokenCredential | AzureCredentialOptions;
  /** @default 'https://redis.azure.com/.default' */
  scope?: string;
  deadlines?: AzureRedisDeadlines;
  /** The cache-manager store; `false` does not provide `CACHE_MANAGER`. @default true */
  cache?: boolean | AzureRedisCacheOptions;
  /** ioredis options beside those above. */
  redis?: AzureRedisPassThroughOptions;
  /** Refuse to boot without a token and a working connection. @default false */
  failFast?: boolean;
}

/** The validated, frozen form that the rest of the package reads. @publicApi */
export interface AzureRedisOptions {
  readonly host: string;
  readonly port: number;
  readonly topology: AzureRedisTopology;
  /** host:port first, then the other start nodes. */
  readonly startupNodes: readonly { readonly host: string; readonly port: number }[];
  /** `false` or the options for `tls.connect()`; `servername` is set unless host is an IP address. */
  readonly tls: false | Readonly<ConnectionOptions>;
  readonly db: number;
  readonly username: string | undefined;
  readonly credential: TokenCredential | Readonly<AzureCredentialOptions>;
  readonly scope: string;
  readonly deadlines: Readonly<Required<AzureRedisDeadlines>>;
  readonly cache: Readonly<
    Required<Omit<AzureRedisCacheOptions, 'supportedCallTypes' | 'near' | 'llm'>>
  > & {
    readonly supportedCallTypes: readonly string[] | undefined;
    readonly near: Readonly<Required<AzureRedisNearCacheOptions>> | false;
    readonly llm: ResolvedLlmCacheOptions;
  };
  readonly redis: Readonly<AzureRedisPassThroughOptions>;
  readonly failFast: boolean;
}

/** For `forRootAsync({ useClass })` and `useExisting`. @publicApi */
export interface AzureRedisOptionsFactory {
  createAzureRedisOptions(): AzureRedisModuleOptions | Promise<AzureRedisModuleOptions>;
}
