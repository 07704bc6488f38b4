import type { OptionReader } from './option-reader.js';

const NO_SENTINEL = 'Azure has no Sentinel; use the options host and port';

const LAZY = 'remove it: the client connects as soon as there is a token';
const PREFIX = 'use cache.namespace; ioredis would add its prefix to the keys of the store as well';

/** ioredis options that would work against this package, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  host: 'use the option host',
  port: 'use the option port',
  path: 'use the options host and port; Azure has no Unix sockets',
  tls: 'use the option tls',
  db: 'use the option db',
  username: 'use the option username',
  password: 'remove it: the Entra token is the password; say which identity with credential',
  Connector: 'remove it: connections wait for a token in a Connector of this package',
  connectTimeout: 'use deadlines.connectMs',
  commandTimeout:
    'it would also time HELLO and AUTH, which may take 10 s; use cache.deadlineMs for the cache, ' +
    'deadlines.handshakeMs for HELLO and AUTH',
  lazyConnect: LAZY,
  keyPrefix: PREFIX,
  replyMapping: 'make a duplicate() with it; the store relies on the replies of the default',
  sentinels: NO_SENTINEL,
  sentinelUsername: NO_SENTINEL,
  sentinelPassword: NO_SENTINEL,
  sentinelTLS: NO_SENTINEL,
};

const REFUSED_IN_CLUSTER: Readonly<Record<string, string>> = {
  redisOptions: 'write the options of nodes in redis; they apply to every node',
  lazyConnect: LAZY,
  keyPrefix: PREFIX,
};

/** Adds what is wrong with `options.redis`; ioredis itself checks the rest. */
export function checkRedisPassThrough(options: OptionReader): void {
  const redis = options.section('redis', 'ioredis options', 'leave it out');
  if (redis === undefined) return;
  refuse(redis, REFUSED);
  const cluster = redis.section('cluster', 'ioredis ClusterOptions', 'leave it out');
  if (cluster !== undefined) refuse(cluster, REFUSED_IN_CLUSTER);
}

function refuse(options: OptionReader, refused: Readonly<Record<string, string>>): void {
  for (const [name, advice] of Object.entries(refused)) {
    if (options.has(name)) options.problem(name, 'no such ioredis option', 'one', advice);
  }
}
