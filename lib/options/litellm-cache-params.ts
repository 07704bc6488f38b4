import { connectionFrom, type ConnectionSetting, present } from './connection-settings.js';
import { describeWord } from './describe-value.js';
import { type Environment, VARIABLES } from './from-environment.js';
import { resolveReference } from './litellm-references.js';
import { type LiteLlmStartupNodes, readStartupNodes } from './litellm-startup-nodes.js';
import { secondsAsMs, trimmed } from './litellm-values.js';
import type { OptionReader } from './option-reader.js';
import type { OptionProblems } from './option-problems.js';

/** LiteLLM's key for what `azureRedisOptionsFromEnv` reads from a variable. */
const CONNECTION_KEYS: Readonly<Partial<Record<ConnectionSetting, string>>> = {
  host: 'host',
  port: 'port',
  tls: 'ssl',
  username: 'username',
  entra: 'azure_redis_ad_token',
  'credential.clientId': 'azure_client_id',
  'credential.tenantId': 'azure_tenant_id',
  'credential.clientSecret': 'azure_client_secret',
};

const SUPPORTED_KEYS: readonly string[] = [
  'type',
  ...Object.values(CONNECTION_KEYS),
  'namespace',
  'ttl',
  'default_in_redis_ttl',
  'mode',
  'supported_call_types',
  'redis_startup_nodes',
];

export interface LiteLlmCacheOptions {
  /** Still unchecked. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Keys of `cache_params` that have no effect. */
  readonly unsupportedKeys: readonly string[];
}

/** Options from LiteLLM's `cache_params`, where its own fallbacks apply. */
export function optionsFromCacheParams(
  params: OptionReader,
  env: Environment,
  problems: OptionProblems,
): LiteLlmCacheOptions {
  const settings = new LiteLlmSettings(params, env, problems);
  checkType(params, settings.read('type', 'cache_params.type'));
  const connection = connectionFrom((setting) => settings.readConnection(setting), problems);
  const nodes = settings.readStartupNodes();
  const ttl = params.value('default_in_redis_ttl') == null ? 'ttl' : 'default_in_redis_ttl';
  const cache = present([
    ['namespace', settings.read('namespace', 'cache.namespace')],
    ['ttlMs', secondsAsMs(settings.read(ttl, 'cache.ttlMs'), 'cache.ttlMs', problems)],
    ['mode', settings.read('mode', 'cache.mode')],
    ['supportedCallTypes', settings.read('supported_call_types', 'cache.supportedCallTypes')],
  ]);
  return {
    options: {
      ...connection,
      ...nodes.options,
      ...(Object.keys(cache).length > 0 && { cache }),
    },
    unsupportedKeys: [
      ...params.names.filter((key) => !SUPPORTED_KEYS.includes(key)),
      ...nodes.unsupportedKeys,
    ],
  };
}

/** Without a type LiteLLM means `local`: it ignores host and caches in its own memory. */
function checkType(params: OptionReader, type: unknown): void {
  if (type === 'redis' || params.names.length === 0) return;
  const missing = params.value('type') == null;
  params.problem(
    'type',
    'redis',
    missing ? 'nothing' : describeWord(type),
    missing
      ? "write type: redis; LiteLLM itself takes a missing type beside other keys as 'local', " +
          'and caches in memory'
      : 'this package caches in Azure Redis only',
  );
}

class LiteLlmSettings {
  readonly #params: OptionReader;
  readonly #env: Environment;
  readonly #problems: OptionProblems;

  constructor(params: OptionReader, env: Environment, problems: OptionProblems) {
    this.#params = params;
    this.#env = env;
    this.#problems = problems;
  }

  /** @param path the option that the key sets; messages about it name the key. */
  read(key: string, path: string): unknown {
    this.#problems.rename(path, this.#params.nameOf(key));
    return resolveReference(this.#params.value(key), this.#env, path, this.#problems);
  }

  readConnection(setting: ConnectionSetting): unknown {
    // LiteLLM knows no certificates: it would take the managed identity with this client id.
    if (setting === 'credential.certificatePath') return undefined;
    return this.#readOrVariable(CONNECTION_KEYS[setting], VARIABLES[setting], setting);
  }

  readStartupNodes(): LiteLlmStartupNodes {
    const key = 'redis_startup_nodes';
    const path = this.#params.nameOf(key);
    const nodes = this.#readOrVariable(key, 'REDIS_CLUSTER_NODES', path);
    return readStartupNodes(nodes, this.#problems.nameOf(path), this.#env, this.#problems);
  }

  #readOrVariable(key: string | undefined, variable: string, path: string): unknown {
    const value = key === undefined ? undefined : this.read(key, path);
    if (value !== undefined) return value;
    const fallback = trimmed(this.#env[variable]);
    if (key === undefined || fallback !== undefined) this.#problems.rename(path, variable);
    return fallback;
  }
}
