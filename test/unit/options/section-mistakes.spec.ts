import { describe, it } from 'vitest';
import { expectOneMistake, HOST, SECRET } from './problems-of.js';

const also = (options: object): object => ({ host: HOST, ...options });

const MISTAKES: [what: string, input: unknown, problem: RegExp][] = [
  [
    'deadlines as a number',
    also({ deadlines: 100 }),
    /^deadlines: expected an object, got the number 100;/,
  ],
  [
    'an unknown deadline',
    also({ deadlines: { conectMs: 1 } }),
    /^deadlines\.conectMs: .* did you mean deadlines\.connectMs\?/,
  ],
  ...['tokenMs', 'connectMs', 'handshakeMs', 'reauthMs', 'silenceMs'].flatMap((name) =>
    [0, -5, 0.5, 2 ** 31, NaN, '100', null].map((ms): [string, unknown, RegExp] => [
      `deadlines.${name} ${String(ms)}`,
      also({ deadlines: { [name]: ms } }),
      new RegExp(
        `^deadlines\\.${name}: expected a whole number of milliseconds from 1 to 2147483647, got`,
      ),
    ]),
  ),

  [
    'cache as text',
    also({ cache: 'redis' }),
    /^cache: expected true, false or the cache options, got a string/,
  ],
  [
    'an unknown cache option',
    also({ cache: { namspace: 'a' } }),
    /^cache\.namspace: .* did you mean cache\.namespace\?/,
  ],
  ['seconds', also({ cache: { ttl: 60 } }), /^cache\.ttl: .* use cache\.ttlMs, in milliseconds/],
  ...[0, -1, 1.5, Infinity].map((ttlMs): [string, unknown, RegExp] => [
    `ttlMs ${ttlMs}`,
    also({ cache: { ttlMs } }),
    /^cache\.ttlMs: expected a whole number of milliseconds above 0, got the number/,
  ]),
  [
    'a cache deadline',
    also({ cache: { deadlineMs: 0 } }),
    /^cache\.deadlineMs: .* leave it out for 250/,
  ],
  [
    'an empty namespace',
    also({ cache: { namespace: '' } }),
    /^cache\.namespace: .* got an empty string;/,
  ],
  ...['*', '?', '[', ']', '\\'].map((character): [string, unknown, RegExp] => [
    `namespace with ${character}`,
    also({ cache: { namespace: `a${character}b` } }),
    new RegExp(`^cache\\.namespace: expected a key prefix .*, got one with \\${character}; write`),
  ]),
  [
    'a namespace with a space',
    also({ cache: { namespace: 'a b\tc' } }),
    /^cache\.namespace: .* got one with white space;/,
  ],
  [
    'a mode',
    also({ cache: { mode: 'off' } }),
    /^cache\.mode: expected 'default_on' or 'default_off', got "off"; leave it out/,
  ],
  [
    'a mode with a hyphen',
    also({ cache: { mode: 'default-off' } }),
    /^cache\.mode: .* did you mean 'default_off'\?/,
  ],
  [
    'call types as text',
    also({ cache: { supportedCallTypes: 'acompletion' } }),
    /^cache\.supportedCallTypes: .* got a string/,
  ],
  [
    'call types that are no text',
    also({ cache: { supportedCallTypes: [1] } }),
    /^cache\.supportedCallTypes: .* got other items;/,
  ],

  ['redis as text', also({ redis: 'x' }), /^redis: expected ioredis options, got a string/],
  ...Object.entries({
    host: /use the option host$/,
    port: /use the option port$/,
    path: /use the options host and port/,
    tls: /use the option tls$/,
    db: /use the option db$/,
    username: /use the option username$/,
    password: /the Entra token is the password/,
    Connector: /remove it/,
    connectTimeout: /use deadlines\.connectMs$/,
    commandTimeout: /HELLO and AUTH.* use cache\.deadlineMs .* deadlines\.handshakeMs/,
    lazyConnect: /connects as soon as there is a token/,
    keyPrefix: /use cache\.namespace/,
    replyMapping: /make a duplicate\(\) with it/,
    sentinels: /Azure has no Sentinel/,
    sentinelUsername: /Azure has no Sentinel/,
    sentinelPassword: /Azure has no Sentinel/,
    sentinelTLS: /Azure has no Sentinel/,
  }).map(([name, advice]): [string, unknown, RegExp] => [
    `redis.${name}`,
    also({ redis: { [name]: SECRET } }),
    new RegExp(`^redis\\.${name}: expected no such ioredis option, got one; .*${advice.source}`),
  ]),
  [
    'cluster options as text',
    also({ redis: { cluster: true } }),
    /^redis\.cluster: expected ioredis ClusterOptions, got true/,
  ],
  ...Object.entries({
    redisOptions: /write the options of nodes in redis/,
    lazyConnect: /connects as soon as there is a token/,
    keyPrefix: /use cache\.namespace/,
  }).map(([name, advice]): [string, unknown, RegExp] => [
    `redis.cluster.${name}`,
    also({ redis: { cluster: { [name]: { password: SECRET } } } }),
    new RegExp(`^redis\\.cluster\\.${name}: expected no such ioredis option, .*${advice.source}`),
  ]),
];

describe('wrong deadlines, cache and ioredis options', () => {
  it.each(MISTAKES)('%s', (_, input, problem) => {
    expectOneMistake(input, problem);
  });
});
