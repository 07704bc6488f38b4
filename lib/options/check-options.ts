import { checkAddress, checkHost, checkPort, checkStartupNodes } from './address-options.js';
import type { AzureRedisModuleOptions } from './azure-redis-options.interface.js';
import { checkCache } from './cache-options.js';
import { checkCredential } from './credential-options.js';
import { checkDeadlines } from './deadline-options.js';
import { describeValue } from './describe-value.js';
import { checkScope, checkUsername } from './identity-options.js';
import { isOptionObject, OptionReader } from './option-reader.js';
import type { OptionProblems } from './option-problems.js';
import { checkRedisPassThrough } from './redis-pass-through.js';
import { checkTls } from './tls-options.js';

const NAMES: readonly (keyof AzureRedisModuleOptions)[] = [
  'host',
  'port',
  'topology',
  'startupNodes',
  'tls',
  'db',
  'username',
  'credential',
  'scope',
  'deadlines',
  'cache',
  'redis',
  'failFast',
];

/** Names that people bring along from other Redis modules. */
const BROUGHT_ALONG: Readonly<Record<string, string>> = {
  url: 'use host and port',
  password: 'remove it: the Entra token is the password',
  ssl: 'use tls, which is on by default',
  servername: 'use tls: { servername }',
  ca: 'use tls: { ca }',
  cluster: "use topology: 'cluster'; ClusterOptions go into redis.cluster",
  nodes: "use topology: 'cluster' and startupNodes",
  namespace: 'use cache: { namespace }',
  keyPrefix: 'use cache: { namespace }',
  ttl: 'use cache: { ttlMs }, in milliseconds',
  ttlMs: 'use cache: { ttlMs }',
  clientId: 'use credential: { clientId }',
  tenantId: 'use credential: { tenantId }',
  clientSecret: 'use credential: { clientSecret }',
};

/** Adds every mistake to `problems`. */
export function checkOptions(
  value: unknown,
  problems: OptionProblems,
  { hostRequired = true } = {},
): value is AzureRedisModuleOptions {
  if (!isOptionObject(value)) {
    const came = describeValue(value);
    problems.add(
      'options',
      'an object',
      came,
      came === 'a Promise'
        ? 'await it, or use AzureRedisModule.forRootAsync({ useFactory })'
        : "write at least { host: 'my-cache.westeurope.redis.azure.net' }",
    );
    return false;
  }
  const options = new OptionReader(value, '', problems);
  options.rejectUnknownNames(NAMES, BROUGHT_ALONG);
  if (hostRequired) checkAddress(options);
  else {
    checkHost(options);
    checkPort(options);
  }
  checkTopology(options);
  checkStartupNodes(options);
  checkTls(options);
  checkUsername(options);
  checkCredential(options);
  checkScope(options);
  checkDeadlines(options);
  checkCache(options);
  checkRedisPassThrough(options);
  options.flag('failFast', 'leave it out for false');
  return problems.none;
}

function checkTopology(options: OptionReader): void {
  const topology = options.choice(
    'topology',
    ['standalone', 'cluster'],
    "use 'cluster' for Azure Managed Redis with the OSS policy, 'standalone' for all else",
  );
  const db = options.integer('db', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    expected: 'a whole number from 0',
    advice: 'leave it out for 0',
  });
  if (topology === 'cluster' && db !== undefined && db !== 0) {
    options.problem('db', "0 with topology 'cluster'", `${db}`, 'a cluster has one database');
  }
}
