import { Logger } from '@nestjs/common';
import { LOGGER_CONTEXT } from '../azure-redis.constants.js';
import type { AzureRedisModuleOptions } from './azure-redis-options.interface.js';
import { checkOptions } from './check-options.js';
import { describeValue, describeWord } from './describe-value.js';
import { type Environment, processEnvironment } from './from-environment.js';
import { optionsFromCacheParams } from './litellm-cache-params.js';
import { readLiteLlmConfig } from './litellm-config.js';
import { OptionProblems } from './option-problems.js';
import { isOptionObject, OptionReader } from './option-reader.js';

/** @publicApi */
export interface LiteLlmSourceOptions {
  /** Where `os.environ/NAME` and LiteLLM's fallbacks are looked up. @default process.env */
  env?: Environment;
  /** Called once with all keys that have no effect here. @default a warning of Nest's `Logger` */
  onUnsupported?: (keys: readonly string[]) => void;
}

/** Beside `cache_params`, these change LiteLLM's cache. */
const CACHE_SETTINGS = [
  'default_redis_ttl',
  'default_in_memory_ttl',
  'default_redis_batch_cache_expiry',
  'enable_redis_auth_cache',
  'enable_caching_on_provider_specific_optional_params',
];

/**
 * Options from `litellm_settings.cache` and `cache_params` of a LiteLLM config.yaml as it stands.
 *
 * Understood in `cache_params`: `type` (`redis`), `host`, `port`, `ssl`, `username`,
 * `azure_redis_ad_token`, `azure_client_id`, `azure_tenant_id`, `azure_client_secret`,
 * `namespace`, `ttl` and `default_in_redis_ttl` (seconds; the latter wins), `mode`,
 * `supported_call_types`, `redis_startup_nodes` (a cluster; its first node is host and port).
 * `os.environ/NAME` is looked up; absent connection settings fall back to the variables of
 * `azureRedisOptionsFromEnv`. Nothing is ever evaluated, and a password is never sent.
 *
 * Unlike in LiteLLM, TLS is on unless `ssl` is false, the port is Azure's by default, and entries
 * without a ttl live for 1 hour, not for 60 seconds.
 *
 * @param pathOrText the path of the file, or its text (anything with a line break or `: `)
 * @throws {AzureRedisOptionsError} naming every key and variable that is wrong.
 * @see https://docs.litellm.ai/docs/proxy/caching
 * @publicApi
 */
export function azureRedisOptionsFromLiteLlm(
  pathOrText: string,
  { env = processEnvironment(), onUnsupported = warn }: LiteLlmSourceOptions = {},
): AzureRedisModuleOptions {
  const problems = new OptionProblems();
  const settings = readSettings(pathOrText, problems);
  const params = settings && readCacheParams(settings, problems);
  if (settings === undefined || params === undefined) throw problems.toError();
  const { options, unsupportedKeys } = optionsFromCacheParams(params, env, problems);
  const unsupported = [
    ...unsupportedKeys,
    ...CACHE_SETTINGS.filter((name) => settings.has(name)).map((name) => settings.nameOf(name)),
  ];
  if (unsupported.length > 0) onUnsupported(unsupported);
  if (!checkOptions(options, problems)) throw problems.toError();
  return options;
}

function readSettings(pathOrText: string, problems: OptionProblems): OptionReader | undefined {
  const config = readLiteLlmConfig(pathOrText, problems);
  if (config === undefined) return undefined;
  const root = new OptionReader(config, '', problems);
  const advice = 'pass the whole config.yaml of the LiteLLM proxy';
  const settings = root.section('litellm_settings', 'a mapping', advice);
  if (!root.has('litellm_settings')) {
    root.problem('litellm_settings', 'a mapping', 'nothing', advice);
  }
  return settings;
}

/** `cache: true` alone is complete: then LiteLLM takes Redis from the environment. */
function readCacheParams(
  settings: OptionReader,
  problems: OptionProblems,
): OptionReader | undefined {
  if (settings.value('cache') !== true) {
    settings.problem(
      'cache',
      'true',
      describeWord(settings.value('cache')),
      'LiteLLM caches with cache: true only; set it, or do without this source',
    );
  }
  const params = settings.value('cache_params') ?? {};
  if (isOptionObject(params)) return new OptionReader(params, 'cache_params', problems);
  settings.problem('cache_params', 'a mapping', describeValue(params), 'indent its keys below it');
  return undefined;
}

function warn(keys: readonly string[]): void {
  new Logger(LOGGER_CONTEXT).warn(
    `These keys of the LiteLLM configuration have no effect here: ${keys.join(', ')}`,
  );
}
