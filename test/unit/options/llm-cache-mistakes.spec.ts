import { describe, expect, it } from 'vitest';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import { expectOneMistake, HOST, mistakesIn, SECRET } from './problems-of.js';

const llm = (options: unknown): object => ({ host: HOST, cache: { llm: options } });

const MISTAKES: [what: string, input: unknown, problem: RegExp][] = [
  ...['instant', true, 5, null, ['public'], () => 'public'].map(
    (value): [string, unknown, RegExp] => [
      `${typeof value} in the place of the options: ${JSON.stringify(value)}`,
      llm(value),
      /^cache\.llm: expected an object, got .*; leave it out for the defaults/,
    ],
  ),

  [
    'an unknown option',
    llm({ pacng: 'instant' }),
    /^cache\.llm\.pacng: .* did you mean cache\.llm\.pacing\?/,
  ],
  [
    'an option that is like no other',
    llm({ zzz: 1 }),
    /^cache\.llm\.zzz: expected a known option, got an unknown name; remove it; known here are scope, /,
  ],
  [
    'the lifetime',
    llm({ ttlMs: 1_000 }),
    /^cache\.llm\.ttlMs: .* use cache\.ttlMs, or @CacheTTL\(\)/,
  ],

  ...['tenant', '', 5, true, null, {}].map((scope): [string, unknown, RegExp] => [
    `scope ${JSON.stringify(scope)}`,
    llm({ scope }),
    /^cache\.llm\.scope: expected a function or 'public', got .*; write \(context\) => tenantOf/,
  ]),

  ...[
    'slow',
    5,
    null,
    true,
    {},
    [],
    { tokensPerSecond: 0 },
    { tokensPerSecond: -1 },
    { tokensPerSecond: Infinity },
    { tokensPerSecond: NaN },
    { tokensPerSecond: '20' },
  ].map((pacing): [string, unknown, RegExp] => [
    `pacing ${JSON.stringify(pacing)}`,
    llm({ pacing }),
    /^cache\.llm\.pacing: expected 'instant', 'recorded' or \{ tokensPerSecond: .* \}, got .*; leave it out for 'instant'/,
  ]),

  ...['yes', 1, null].map((verbatim): [string, unknown, RegExp] => [
    `verbatim ${JSON.stringify(verbatim)}`,
    llm({ verbatim }),
    /^cache\.llm\.verbatim: expected true or false, got .*; leave it out for false/,
  ]),

  [
    'onDisconnect',
    llm({ onDisconnect: 'ignore' }),
    /^cache\.llm\.onDisconnect: expected 'drain', 'drainIfFollowers' or 'abort', got "ignore"; leave it out for 'drain'/,
  ],
  [
    'onDisconnect with a hyphen',
    llm({ onDisconnect: 'drain-if-followers' }),
    /^cache\.llm\.onDisconnect: .* did you mean 'drainIfFollowers'\?/,
  ],
  [
    'onDisconnect true',
    llm({ onDisconnect: true }),
    /^cache\.llm\.onDisconnect: expected .*, got true; leave it out/,
  ],

  ...Object.entries({
    maxEntryBytes: ['bytes', 1_048_576],
    maxFollowers: ['callers', 10_000],
    maxTtlMs: ['milliseconds', 86_400_000],
  }).flatMap(([name, [unit, byDefault]]) =>
    [0, -1, 1.5, NaN, Infinity, 2 ** 53, 'many', null].map((value): [string, unknown, RegExp] => [
      `${name} ${String(value)}`,
      llm({ [name]: value }),
      new RegExp(
        `^cache\\.llm\\.${name}: expected a whole number of ${unit} above 0, got .*; leave it out for ${byDefault}$`,
      ),
    ]),
  ),
  [
    'a number as text',
    llm({ maxEntryBytes: '1000' }),
    /^cache\.llm\.maxEntryBytes: .* got "1000"; .* \(without quotes\)$/,
  ],

  ...['drainDeadlineMs', 'followerDeadlineMs'].flatMap((name) =>
    [0, -5, 0.5, 2 ** 31, NaN, '100', null].map((value): [string, unknown, RegExp] => [
      `${name} ${String(value)}`,
      llm({ [name]: value }),
      new RegExp(
        `^cache\\.llm\\.${name}: expected a whole number of milliseconds from 1 to 2147483647, got .*; leave it out for 120000`,
      ),
    ]),
  ),

  ...[true, 'all', 'false', null, []].map((clientControls): [string, unknown, RegExp] => [
    `clientControls ${JSON.stringify(clientControls)}`,
    llm({ clientControls }),
    /^cache\.llm\.clientControls: expected .*'http'.*'litellm', got .*; leave it out for false/,
  ]),
  [
    'clientControls in capitals',
    llm({ clientControls: 'LiteLLM' }),
    /^cache\.llm\.clientControls: .* did you mean 'litellm'\?/,
  ],

  ...['user', { user: true }, 5, null].map((ignoredParameters): [string, unknown, RegExp] => [
    `ignoredParameters ${JSON.stringify(ignoredParameters)}`,
    llm({ ignoredParameters }),
    /^cache\.llm\.ignoredParameters: expected an array of parameter names, got .*; write e\.g\./,
  ]),
  ...[[1], [''], ['user', null]].map((ignoredParameters): [string, unknown, RegExp] => [
    `ignoredParameters ${JSON.stringify(ignoredParameters)}`,
    llm({ ignoredParameters }),
    /^cache\.llm\.ignoredParameters: .* got other items;/,
  ]),
];

describe('wrong options of the LLM cache', () => {
  it.each(MISTAKES)('%s', (_, input, problem) => {
    expectOneMistake(input, problem);
  });

  it('are named all at once', () => {
    const problems = mistakesIn(llm({ scope: 5, pacing: 'slow', verbatim: 'no', maxTtlMs: 0 }));
    const names = problems.map((problem) => problem.split(':', 1)[0]);
    expect(new Set(names)).toEqual(
      new Set(['maxTtlMs', 'pacing', 'scope', 'verbatim'].map((name) => `cache.llm.${name}`)),
    );
    expect(names).toHaveLength(4);
  });

  it.each(['scope', 'pacing', 'maxEntryBytes', 'onDisconnect', 'clientControls'])(
    'do not show a secret that was pasted into them: %s',
    (name) => {
      // The message is checked for it.
      expect(mistakesIn(llm({ [name]: SECRET }))).toHaveLength(1);
    },
  );
});

it.each([
  {},
  { scope: 'public' },
  { scope: () => 'tenant' },
  { pacing: 'recorded' },
  { pacing: { tokensPerSecond: 0.5 } },
  { clientControls: false },
  { clientControls: 'litellm' },
  { ignoredParameters: [] },
  { maxEntryBytes: 1, maxFollowers: 1, maxTtlMs: 1, drainDeadlineMs: 1, followerDeadlineMs: 1 },
] as const)('right options of the LLM cache are taken: %o', (options) => {
  const { cache } = resolveAzureRedisOptions({ host: HOST, cache: { llm: options } });
  expect(cache.llm).toMatchObject(options);
});
