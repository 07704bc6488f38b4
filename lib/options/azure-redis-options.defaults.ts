import type {
  AzureRedisDeadlines,
  AzureRedisNearCacheOptions,
  AzureRedisOptions,
} from './azure-redis-options.interface.js';
import type { ResolvedLlmCacheOptions } from './llm-cache-options.interface.js';

/** Entra scope of Azure Cache for Redis and Azure Managed Redis in the public cloud. */
export const DEFAULT_SCOPE = 'https://redis.azure.com/.default';

export const DEFAULT_DEADLINES: Readonly<Required<AzureRedisDeadlines>> = Object.freeze({
  tokenMs: 10_000,
  connectMs: 10_000,
  handshakeMs: 15_000,
  reauthMs: 10_000,
  silenceMs: 30_000,
});

export const DEFAULT_FLEET = Object.freeze({ leaseMs: 3_000 });

export const DEFAULT_LLM_CACHE: ResolvedLlmCacheOptions = Object.freeze({
  scope: undefined,
  maxEntryBytes: 1024 * 1024,
  pacing: 'instant',
  verbatim: false,
  onDisconnect: 'drain',
  drainDeadlineMs: 120_000,
  followerDeadlineMs: 120_000,
  maxFollowers: 10_000,
  fleet: DEFAULT_FLEET,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  shadow: false,
  resumable: false,
  explain: false,
  encryption: undefined,
  compressAboveBytes: 16_384,
  pricing: undefined,
  clientControls: false,
  maxTtlMs: 86_400_000,
  ignoredParameters: undefined,
});

export const DEFAULT_NEAR: Readonly<Required<AzureRedisNearCacheOptions>> = Object.freeze({
  maxBytes: 32 * 1024 * 1024,
  maxEntries: 10_000,
  maxAgeMs: 1_000,
  decrypted: false,
});

export const DEFAULT_CACHE: AzureRedisOptions['cache'] = Object.freeze({
  namespace: 'cache',
  ttlMs: 3_600_000,
  deadlineMs: 250,
  mode: 'default_on',
  supportedCallTypes: undefined,
  near: false,
  llm: DEFAULT_LLM_CACHE,
});

/** Azure Managed Redis. */
const MANAGED_REDIS_PORT = 10_000;

/** Azure Cache for Redis, in the public and the sovereign clouds. */
const CACHE_FOR_REDIS_PORT = 6380;
const CACHE_FOR_REDIS_HOST =
  /\.redis\.cache\.(windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)$/i;

export function defaultPort(host: string): number {
  return CACHE_FOR_REDIS_HOST.test(host) ? CACHE_FOR_REDIS_PORT : MANAGED_REDIS_PORT;
}
