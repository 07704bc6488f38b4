import {
  DEFAULT_CACHE,
  DEFAULT_DEADLINES,
  DEFAULT_FLEET,
  DEFAULT_LLM_CACHE,
  DEFAULT_NEAR,
  DEFAULT_SCOPE,
  defaultPort,
} from './azure-redis-options.defaults.js';
import type {
  AzureRedisCacheOptions,
  AzureRedisModuleOptions,
  AzureRedisOptions,
} from './azure-redis-options.interface.js';
import { checkOptions } from './check-options.js';
import { resolveCredential } from './credential-options.js';
import { frozenCopy, frozenSecretCopy } from './frozen-copy.js';
import type { LlmCacheOptions, ResolvedLlmCacheOptions } from './llm-cache-options.interface.js';
import { OptionProblems } from './option-problems.js';
import { resolveTls } from './tls-options.js';

/**
 * The options with all defaults, as a frozen copy; a `TokenCredential` stays the user's own.
 *
 * @throws {AzureRedisOptionsError} naming every mistake.
 */
export function resolveAzureRedisOptions(input: AzureRedisModuleOptions): AzureRedisOptions {
  const problems = new OptionProblems();
  if (!checkOptions(input, problems)) throw problems.toError();
  const { host = '' } = input;
  const port = input.port ?? defaultPort(host);
  return Object.freeze({
    host,
    port,
    topology: input.topology ?? 'standalone',
    startupNodes: startNodes(host, port, input.startupNodes),
    tls: resolveTls(input.tls, host),
    db: input.db ?? 0,
    username: input.username?.trim() || undefined,
    credential: resolveCredential(input.credential),
    scope: input.scope ?? DEFAULT_SCOPE,
    deadlines: Object.freeze({ ...DEFAULT_DEADLINES, ...frozenCopy({ ...input.deadlines }) }),
    cache: resolveCache(typeof input.cache === 'object' ? input.cache : {}),
    redis: frozenCopy({ ...input.redis }),
    failFast: input.failFast ?? false,
  });
}

function resolveCache({
  llm,
  near = false,
  ...cache
}: AzureRedisCacheOptions): AzureRedisOptions['cache'] {
  return Object.freeze({
    ...DEFAULT_CACHE,
    ...frozenCopy(cache),
    near: near && Object.freeze({ ...DEFAULT_NEAR, ...frozenCopy(near === true ? {} : near) }),
    llm: resolveLlmCache(llm),
  });
}

function resolveLlmCache({
  fleet = {},
  encryption,
  ...llm
}: LlmCacheOptions = {}): ResolvedLlmCacheOptions {
  return Object.freeze({
    ...DEFAULT_LLM_CACHE,
    ...frozenCopy(llm),
    fleet: fleet && Object.freeze({ ...DEFAULT_FLEET, ...frozenCopy(fleet) }),
    encryption: encryption && frozenSecretCopy(encryption, ['secrets']),
  });
}

/** host:port first; each address once. */
function startNodes(
  host: string,
  port: number,
  others: AzureRedisModuleOptions['startupNodes'] = [],
): AzureRedisOptions['startupNodes'] {
  const nodes = [
    { host, port },
    ...others.map((node) => ({ host: node.host, port: node.port ?? defaultPort(node.host) })),
  ];
  return frozenCopy([
    ...new Map(nodes.map((node) => [`${node.host} ${node.port}`, node])).values(),
  ]);
}
