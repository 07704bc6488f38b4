import { describe, expect, it } from 'vitest';
import { problemsIn, withParams, withRedis } from './litellm-config.fixture.js';
import { HOST, SECRET } from './problems-of.js';

describe('azureRedisOptionsFromLiteLlm refuses', () => {
  it.each<[string, string, RegExp]>([
    [
      'no litellm_settings',
      'model_list: []\n',
      /^litellm_settings: expected a mapping, got nothing; pass the whole config\.yaml/,
    ],
    [
      'settings that are a list',
      'litellm_settings: [1]',
      /^litellm_settings: expected a mapping, got an array;/,
    ],
    ['a list', '- cache: true', /^config: expected a YAML mapping, got an array;/],
    ['an empty document', '# nothing\n', /^config: expected a YAML mapping, got null;/],
    [
      'no cache',
      `litellm_settings: {cache_params: {type: redis, host: ${HOST}}}`,
      /^litellm_settings\.cache: expected true, got nothing; LiteLLM caches with cache: true only;/,
    ],
    [
      'cache: false',
      `litellm_settings: {cache: false, cache_params: {type: redis, host: ${HOST}}}`,
      /^litellm_settings\.cache: expected true, got false;/,
    ],
    [
      'cache as text',
      `litellm_settings: {cache: "true", cache_params: {type: redis, host: ${HOST}}}`,
      /^litellm_settings\.cache: expected true, got "true";/,
    ],
    [
      'cache_params as text',
      'litellm_settings: {cache: true, cache_params: redis}',
      /^litellm_settings\.cache_params: expected a mapping, got a string/,
    ],
    [
      'a missing type',
      withParams(`host: ${HOST}`),
      /^cache_params\.type: expected redis, got nothing; write type: redis; LiteLLM itself takes a missing type beside other keys as 'local'/,
    ],
    [
      'another cache',
      withParams('type: s3', `host: ${HOST}`),
      /^cache_params\.type: expected redis, got "s3"; this package caches in Azure Redis only/,
    ],
    [
      'a semantic cache',
      withParams('type: redis-semantic', `host: ${HOST}`),
      /^cache_params\.type: .* got "redis-semantic"/,
    ],
    [
      'no host',
      withParams('type: redis'),
      /^cache_params\.host: expected the DNS name .* REDIS_HOST/,
    ],
    [
      'a URL as host',
      withParams('type: redis', `host: rediss://:${SECRET}@h`),
      /^cache_params\.host: .* got an address with credentials; .* set cache_params\.port/,
    ],
    [
      'a bad port',
      withRedis('port: 0'),
      /^cache_params\.port: expected a whole number from 1 to 65535, got the number 0/,
    ],
    ['a port that is no number', withRedis('port: redis'), /^cache_params\.port: .* got "redis"/],
    [
      'ssl that is no boolean',
      withRedis('ssl: required'),
      /^cache_params\.ssl: expected true or false, got "required"/,
    ],
    [
      'Entra off',
      withRedis('azure_redis_ad_token: false'),
      /^cache_params\.azure_redis_ad_token: .* got false; this package connects with Entra ID only/,
    ],
    [
      'a token as the switch',
      withRedis(`azure_redis_ad_token: ${SECRET}`),
      /^cache_params\.azure_redis_ad_token: .* got a string/,
    ],
    [
      'a secret without tenant',
      withRedis('azure_client_id: a', `azure_client_secret: ${SECRET}`),
      /^cache_params\.azure_tenant_id: .* because cache_params\.azure_client_secret needs it/,
    ],
    [
      'an empty ttl',
      withRedis('ttl: 0'),
      /^cache_params\.ttl: expected a number of seconds above 0, got the number 0/,
    ],
    [
      'a ttl with a unit',
      withRedis('ttl: 10m'),
      /^cache_params\.ttl: expected a number of seconds above 0/,
    ],
    [
      'a negative default_in_redis_ttl',
      withRedis('default_in_redis_ttl: -1'),
      /^cache_params\.default_in_redis_ttl: /,
    ],
    [
      'a namespace with a pattern',
      withRedis('namespace: "a*"'),
      /^cache_params\.namespace: .* got one with \*/,
    ],
    [
      'a mode',
      withRedis('mode: off_by_default'),
      /^cache_params\.mode: expected 'default_on' or 'default_off', got "off_by_default"/,
    ],
    [
      'call types as text',
      withRedis('supported_call_types: acompletion'),
      /^cache_params\.supported_call_types: .* got a string/,
    ],
    [
      'start nodes as text',
      withRedis('redis_startup_nodes: a:1'),
      /^cache_params\.redis_startup_nodes: expected an array of host and port, got a string/,
    ],
    [
      'a start node as text',
      withRedis('redis_startup_nodes: [a]'),
      /^cache_params\.redis_startup_nodes\[0\]: expected host and port, got a string/,
    ],
    [
      'a start node with a URL',
      withParams('type: redis', `redis_startup_nodes: [{host: ${HOST}}, {host: "redis://b"}]`),
      /^cache_params\.redis_startup_nodes\[1\]\.host: .* got a URL; .* cache_params\.redis_startup_nodes\[1\]\.port/,
    ],
    [
      'a variable that is not set',
      withParams('type: redis', 'host: os.environ/NOT_SET'),
      /^cache_params\.host: expected the variable NOT_SET to be set, got nothing; set it or remove the key/,
    ],
    [
      'a secret variable that is not set',
      withRedis('azure_client_secret: os.environ/NOT_SET'),
      /^cache_params\.azure_client_secret: expected the variable NOT_SET to be set/,
    ],
    [
      'a type variable that is not set',
      withParams('type: os.environ/NOT_SET', `host: ${HOST}`),
      /^cache_params\.type: expected the variable NOT_SET/,
    ],
    [
      'an inherited variable',
      withParams('type: redis', 'host: os.environ/constructor'),
      /^cache_params\.host: expected the variable constructor to be set/,
    ],
    [
      'a reference without a name',
      withRedis('username: os.environ/'),
      /^cache_params\.username: expected os\.environ\/NAME, got no name/,
    ],
    [
      'a reference with an odd name',
      withRedis(`username: os.environ/${SECRET}`),
      /^cache_params\.username: expected os\.environ\/NAME, got no name/,
    ],
  ])('%s', (_, text, problem) => {
    expect(problemsIn(text)).toEqual([expect.stringMatching(problem)]);
  });

  it('a wrong variable under its own name', () => {
    const env = { REDIS_PORT: 'x', REDIS_SSL: '1', REDIS_AZURE_AD_TOKEN: 'no' };
    expect(problemsIn(withRedis(), env)).toEqual([
      expect.stringMatching(/^REDIS_AZURE_AD_TOKEN: /),
      expect.stringMatching(/^REDIS_SSL: /),
      expect.stringMatching(/^REDIS_PORT: /),
    ]);
    expect(problemsIn(withParams('type: redis'), { REDIS_CLUSTER_NODES: 'x' })).toContainEqual(
      expect.stringMatching(/^REDIS_CLUSTER_NODES: expected an array/),
    );
  });

  it('all mistakes at once', () => {
    const problems = problemsIn(`
litellm_settings:
  cache: "yes"
  cache_params:
    host: redis://:${SECRET}@my-cache
    port: none
    ssl: 1
    username: os.environ/NOT_SET
    azure_redis_ad_token: "false"
    azure_client_secret: ${SECRET}
    namespace: "a b"
    ttl: -1
    mode: on
    supported_call_types: [1]
`);
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(':'))).toSorted()).toEqual(
      [
        'litellm_settings.cache',
        ...[
          'type',
          'host',
          'port',
          'ssl',
          'username',
          'azure_redis_ad_token',
          'azure_client_id',
          'azure_tenant_id',
          'namespace',
          'ttl',
          'mode',
          'supported_call_types',
        ].map((key) => `cache_params.${key}`),
      ].toSorted(),
    );
  });
});
