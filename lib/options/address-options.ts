import { isIP } from 'node:net';
import type { OptionReader } from './option-reader.js';

const EXPECTED_HOST = 'the DNS name of the cache, without scheme and port';
const HOST_ADVICE = 'write e.g. my-cache.westeurope.redis.azure.net; the Azure portal shows it';
const MISSING_HOST_ADVICE =
  'set it, e.g. to my-cache.westeurope.redis.azure.net; azureRedisOptionsFromEnv() and ' +
  'azureRedisOptionsFromLiteLlm() also look at REDIS_HOST';

const DNS_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;
const MAX_DNS_NAME = 253;

/** Adds what is wrong with host and port; a missing host is wrong too. */
export function checkAddress(options: OptionReader): void {
  if (options.has('host')) checkHost(options);
  else options.problem('host', EXPECTED_HOST, 'nothing', MISSING_HOST_ADVICE);
  checkPort(options);
}

export function checkHost(options: OptionReader): void {
  const host = options.text('host', EXPECTED_HOST, HOST_ADVICE);
  if (host === undefined || isIP(host) !== 0) return;
  if (host.length <= MAX_DNS_NAME && DNS_NAME.test(host)) return;
  const [came, advice] = describeWrongHost(host, options.nameOf('port'));
  options.problem('host', EXPECTED_HOST, came, advice);
}

export function checkPort(options: OptionReader): void {
  options.integer('port', {
    min: 1,
    max: 65_535,
    expected: 'a whole number from 1 to 65535',
    advice: 'leave it out for 10000 (Azure Managed Redis) or 6380 (*.redis.cache.windows.net)',
  });
}

export function checkStartupNodes(options: OptionReader): void {
  const nodes = options.items(
    'startupNodes',
    '{ host, port }',
    'leave it out: host and port are enough to find a cluster',
  );
  const topology = options.value('topology') ?? 'standalone';
  if (nodes.length > 0 && topology === 'standalone') {
    options.problem(
      'startupNodes',
      "none with topology 'standalone'",
      `${nodes.length}`,
      `set ${options.nameOf('topology')} to 'cluster' or remove them`,
    );
  }
  for (const node of nodes) {
    node.rejectUnknownNames(['host', 'port']);
    checkAddress(node);
  }
}

/** No part of the host is echoed: a URL may carry a password. */
function describeWrongHost(host: string, port: string): [came: string, advice: string] {
  if (host.includes('@')) {
    return [
      'an address with credentials',
      `write only the DNS name, and set ${port}; Entra tokens replace passwords`,
    ];
  }
  if (host.includes('://')) {
    return ['a URL', `write only the DNS name, and set ${port}; TLS is on by default`];
  }
  if (host.startsWith('[')) return ['an IPv6 address in brackets', 'write it without brackets'];
  if (/^[^:\s]+:\d*$/.test(host)) return ['a name with a port', `move the port to ${port}`];
  return ['text that is not a DNS name', HOST_ADVICE];
}
