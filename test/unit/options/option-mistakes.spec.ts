import { describe, expect, it } from 'vitest';
import { expectOneMistake, HOST, mistakesIn, SECRET } from './problems-of.js';

const at = (host: unknown): object => ({ host });
const also = (options: object): object => ({ host: HOST, ...options });

const MISTAKES: [what: string, input: unknown, problem: RegExp][] = [
  ['no options', undefined, /^options: expected an object, got nothing; write at least { host/],
  ['null', null, /^options: .* got null;/],
  ['a string', `rediss://:${SECRET}@host`, /^options: .* got a string of \d+ characters;/],
  ['an array', [], /^options: .* got an array;/],
  ['a function', () => ({ host: HOST }), /^options: .* got a function;/],
  ['a Promise', Promise.resolve({}), /^options: .* got a Promise; await it, or use .*forRootAsync/],

  ['no host', {}, /^host: expected the DNS name .*, got nothing; set it, .* REDIS_HOST$/],
  ['an empty host', at(''), /^host: .* got an empty string;/],
  ['a blank host', at(' '), /^host: .* got a blank string;/],
  ['a host that is no string', at(5), /^host: .* got the number 5;/],
  [
    'a URL',
    at('rediss://my-cache:6380'),
    /^host: .* got a URL; write only the DNS name, and set port/,
  ],
  [
    'a URL with a password',
    at(`rediss://u:${SECRET}@h:1`),
    /^host: .* got an address with credent/,
  ],
  ['credentials', at(`user:${SECRET}@my-cache`), /^host: .* got an address with credentials;/],
  [
    'a port in the host',
    at('my-cache:6380'),
    /^host: .* a name with a port; move the port to port$/,
  ],
  ['IPv6 in brackets', at('[::1]'), /^host: .* IPv6 address in brackets; write it without/],
  ['a path', at('my-cache/0'), /^host: .* got text that is not a DNS name;/],
  ['white space around', at(`${HOST}\n`), /^host: .* got one with white space around it; trim it/],
  ['a trailing dot', at(`${HOST}.`), /^host: .* not a DNS name/],
  ['a very long host', at('a.'.repeat(127) + 'b'), /^host: .* not a DNS name/],

  [
    'a misspelt option',
    also({ tsl: true }),
    /^tsl: expected a known option, .*; did you mean tls\?$/,
  ],
  [
    'another spelling',
    also({ startup_nodes: [] }),
    /^startup_nodes: .* did you mean startupNodes\?/,
  ],
  ['case', also({ failfast: true }), /^failfast: .* did you mean failFast\?/],
  ['swapped letters', also({ prot: 1 }), /^prot: .* did you mean port\?/],
  [
    'an unknown option',
    also({ zebra: 1 }),
    /^zebra: .* remove it; known here are host, port, .* and/,
  ],
  ['an unknown name that is odd', also({ 'a b\n': 1 }), /^"a b\\n": expected a known option/],
  ['__proto__ as a name', also(JSON.parse('{"__proto__": 1}') as object), /^__proto__: .* unknown/],
  ['constructor as a name', also({ constructor: 1 }), /^constructor: .* unknown/],
  ['a password', also({ password: SECRET }), /^password: .* the Entra token is the password$/],
  ['a url', also({ url: `redis://:${SECRET}@h` }), /^url: .* use host and port$/],
  ['LiteLLM spelling', also({ ssl: true }), /^ssl: .* use tls/],
  [
    'a client id beside credential',
    also({ clientId: 'x' }),
    /^clientId: .* credential: { clientId }/,
  ],

  ...[0, -1, 65_536, 1.5, NaN, Infinity].map((port): [string, unknown, RegExp] => [
    `port ${port}`,
    also({ port }),
    /^port: expected a whole number from 1 to 65535, got the number .*; leave it out for 10000/,
  ]),
  ['a port as text', also({ port: '6380' }), /^port: .* got "6380"; .* \(without quotes\)$/],
  ['a secret as port', also({ port: SECRET }), /^port: .* got a string of \d+ characters;/],
  ['a null port', also({ port: null }), /^port: .* got null;/],

  [
    'a topology',
    also({ topology: 'clustered' }),
    /^topology: expected 'standalone' or 'cluster', got "clustered"; did you mean 'cluster'\?/,
  ],
  [
    'a far topology',
    also({ topology: 'sentinel' }),
    /^topology: .* got "sentinel"; use 'cluster' for/,
  ],
  ['a topology that is no text', also({ topology: true }), /^topology: .* got true;/],
  [
    'db in a cluster',
    also({ topology: 'cluster', db: 1 }),
    /^db: expected 0 with topology 'cluster', got 1;/,
  ],
  ['a negative db', also({ db: -1 }), /^db: expected a whole number from 0, got the number -1;/],

  [
    'start nodes of one node',
    also({ startupNodes: [{ host: 'b' }] }),
    /^startupNodes: expected none with topology 'standalone', got 1; set topology to 'cluster'/,
  ],
  [
    'start nodes that are no array',
    also({ startupNodes: 'b:1' }),
    /^startupNodes: expected an array of { host, port }, got a string/,
  ],
  [
    'a start node as text',
    also({ topology: 'cluster', startupNodes: ['b'] }),
    /^startupNodes\[0\]: expected { host, port }, got a string of 1 character;/,
  ],
  [
    'a start node without host',
    also({ topology: 'cluster', startupNodes: [{ port: 1 }] }),
    /^startupNodes\[0\]\.host: expected the DNS name/,
  ],
  [
    'a port in a start node',
    also({ topology: 'cluster', startupNodes: [{ host: 'a' }, { host: 'b:1' }] }),
    /^startupNodes\[1\]\.host: .* move the port to startupNodes\[1\]\.port$/,
  ],
  [
    'a bad port of a start node',
    also({ topology: 'cluster', startupNodes: [{ host: 'b', port: 0 }] }),
    /^startupNodes\[0\]\.port: /,
  ],
  [
    'a typo in a start node',
    also({ topology: 'cluster', startupNodes: [{ host: 'b', prot: 0 }] }),
    /^startupNodes\[0\]\.prot: .* did you mean startupNodes\[0\]\.port\?/,
  ],

  [
    'tls as text',
    also({ tls: 'yes' }),
    /^tls: expected true, false or the options of tls\.connect\(\), got a string/,
  ],
  [
    'unchecked certificates',
    also({ tls: { rejectUnauthorized: false } }),
    /^tls\.rejectUnauthorized: expected certificate checks to stay on, got false; trust .* tls\.ca, .* tls\.servername/,
  ],
  ...['host', 'port', 'path', 'socket'].map((name): [string, unknown, RegExp] => [
    `tls.${name}`,
    also({ tls: { [name]: SECRET } }),
    new RegExp(`^tls\\.${name}: expected no address .* use the options host and port`),
  ]),
  [
    'an IP as servername',
    also({ tls: { servername: '10.0.0.1' } }),
    /^tls\.servername: .* got an IP address;/,
  ],
  [
    'an empty servername',
    also({ tls: { servername: '' } }),
    /^tls\.servername: .* got an empty string;/,
  ],

  [
    'a username with a space',
    also({ username: `my ${SECRET}` }),
    /^username: expected the object id .* got text with white space;/,
  ],
  ['a username that is no text', also({ username: 5 }), /^username: .* got the number 5;/],
  [
    'an empty scope',
    also({ scope: '' }),
    /^scope: expected an Entra scope that ends in \/\.default, got an empty string;/,
  ],
  [
    'a scope without .default',
    also({ scope: 'https://redis.azure.com' }),
    /^scope: .* got another text; leave it out for https:\/\/redis\.azure\.com\/\.default/,
  ],
  [
    'a list of scopes',
    also({ scope: ['https://redis.azure.com/.default'] }),
    /^scope: .* got an array;/,
  ],

  [
    'failFast as text',
    also({ failFast: 'true' }),
    /^failFast: expected true or false, got "true";/,
  ],
];

describe('wrong options', () => {
  it.each(MISTAKES)('%s', (_, input, problem) => {
    expectOneMistake(input, problem);
  });

  it('are reported all at once, in one error', () => {
    const problems = mistakesIn({
      host: 'rediss://my-cache',
      prot: 6380,
      topology: 'clusterd',
      tls: { rejectUnauthorized: false },
      db: 1.5,
      username: 7,
      credential: { clientSecret: SECRET },
      scope: 'redis',
      deadlines: { tokenMs: 0, conectMs: 1 },
      cache: { ttlMs: 0, namespace: '*', mode: 'on' },
      redis: { password: SECRET, sentinels: [] },
      failFast: 1,
    });
    const paths = problems.map((problem) => problem.slice(0, problem.indexOf(':')));
    expect(paths.toSorted()).toEqual(
      [
        'host',
        'prot',
        'topology',
        'tls.rejectUnauthorized',
        'db',
        'username',
        'credential.clientId',
        'credential.tenantId',
        'scope',
        'deadlines.tokenMs',
        'deadlines.conectMs',
        'cache.ttlMs',
        'cache.namespace',
        'cache.mode',
        'redis.password',
        'redis.sentinels',
        'failFast',
      ].toSorted(),
    );
  });

  it.each([
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
    'anything',
  ])('never show what was written as %s', (name) => {
    const nested = { key: SECRET, [name]: SECRET };
    const shown = [SECRET, [SECRET], nested].flatMap((value) => mistakesIn({ [name]: value }));
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.join('\n')).not.toContain(SECRET);
  });
});
