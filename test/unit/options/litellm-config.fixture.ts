import type { AzureRedisModuleOptions } from '../../../lib/options/azure-redis-options.interface.js';
import type { Environment } from '../../../lib/options/from-environment.js';
import { azureRedisOptionsFromLiteLlm } from '../../../lib/options/from-litellm.js';
import { HOST, problemsOf } from './problems-of.js';

/** A config.yaml with these lines in `cache_params`. */
export const withParams = (...lines: string[]): string =>
  ['litellm_settings:', '  cache: true', '  cache_params:', ...lines.map((l) => `    ${l}`)].join(
    '\n',
  );
export const withRedis = (...lines: string[]): string =>
  withParams('type: redis', `host: ${HOST}`, ...lines);

const ignore = (): void => undefined;
export const read = (text: string, env: Environment = {}): AzureRedisModuleOptions =>
  azureRedisOptionsFromLiteLlm(text, { env, onUnsupported: ignore });
export const problemsIn = (text: string, env: Environment = {}): readonly string[] =>
  problemsOf(() => read(text, env));

export function unsupportedIn(text: string, env: Environment = {}): (readonly string[])[] {
  const calls: (readonly string[])[] = [];
  azureRedisOptionsFromLiteLlm(text, { env, onUnsupported: (keys) => calls.push(keys) });
  return calls;
}

/** A config.yaml as LiteLLM proxies have it in production. */
export const REALISTIC_CONFIG = `
# LiteLLM proxy
model_list:
  - model_name: gpt-4o
    litellm_params: &azure
      model: azure/gpt-4o
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
      api_version: "2024-10-21"
    model_info:
      mode: chat
  - model_name: gpt-4o-mini
    litellm_params:
      <<: *azure
      model: azure/gpt-4o-mini
      rpm: 600
  - model_name: text-embedding-3-large
    litellm_params:
      <<: *azure
      model: azure/text-embedding-3-large

litellm_settings:
  drop_params: true
  num_retries: 3
  request_timeout: 600
  success_callback: ["prometheus"]
  enable_redis_auth_cache: true
  cache: true
  cache_params:
    type: redis
    host: os.environ/AZURE_REDIS_HOST
    port: "10000"
    ssl: true
    password: os.environ/REDIS_PASSWORD   # from before Entra
    username: os.environ/REDIS_USERNAME
    azure_redis_ad_token: "true"
    azure_client_id: os.environ/GATEWAY_CLIENT_ID
    azure_tenant_id: os.environ/GATEWAY_TENANT_ID
    azure_client_secret: os.environ/GATEWAY_CLIENT_SECRET
    namespace: "litellm.caching.caching"
    ttl: 600
    default_in_redis_ttl: 1800
    mode: default_off
    supported_call_types: ["acompletion", "atext_completion", "aembedding"]
    socket_timeout: 5
    max_connections: 100

router_settings:
  routing_strategy: simple-shuffle
  redis_host: os.environ/ROUTER_REDIS_HOST

general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
`;
