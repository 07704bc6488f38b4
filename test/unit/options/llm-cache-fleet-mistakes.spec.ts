import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import { expectOneMistake, HOST, SECRET } from './problems-of.js';

const llm = (options: unknown): object => ({ host: HOST, cache: { llm: options } });

const LONG_SECRET = `${SECRET}-${'x'.repeat(32)}`;

const MISTAKES: [what: string, input: unknown, problem: RegExp][] = [
  ...[true, 5, 'on', null].map((fleet): [string, unknown, RegExp] => [
    `fleet ${JSON.stringify(fleet)}`,
    llm({ fleet }),
    /^cache\.llm\.fleet: expected an object or false, got .*; leave it out for the defaults/,
  ]),
  ...[0, 499, 600_001, 1_000.5, '3000', null].map((leaseMs): [string, unknown, RegExp] => [
    `a lease of ${JSON.stringify(leaseMs)}`,
    llm({ fleet: { leaseMs } }),
    /^cache\.llm\.fleet\.leaseMs: expected a whole number of milliseconds from 500 to 600000, got .*; leave it out for 3000/,
  ]),
  [
    'an unknown option of the fleet',
    llm({ fleet: { leaseMS: 1_000 } }),
    /^cache\.llm\.fleet\.leaseMS: .* did you mean cache\.llm\.fleet\.leaseMs\?/,
  ],
  ...['staleWhileRevalidateMs', 'staleIfErrorMs'].flatMap((name) =>
    [-1, 1.5, '60', null].map((value): [string, unknown, RegExp] => [
      `${name} ${JSON.stringify(value)}`,
      llm({ [name]: value }),
      new RegExp(`^cache\\.llm\\.${name}: expected a whole number of milliseconds, got .*for 0`),
    ]),
  ),
  ...['shadow', 'resumable', 'explain'].map((name): [string, unknown, RegExp] => [
    name,
    llm({ [name]: 'yes' }),
    new RegExp(`^cache\\.llm\\.${name}: expected true or false, got "yes"; leave it out for false`),
  ]),
  ...[true, LONG_SECRET, null].map((encryption): [string, unknown, RegExp] => [
    `encryption ${typeof encryption}`,
    llm({ encryption }),
    /^cache\.llm\.encryption: expected an object with secrets, got .*; write \{ secrets: /,
  ]),
  [
    'encryption with one secret that is in no list',
    llm({ encryption: { secrets: LONG_SECRET } }),
    /^cache\.llm\.encryption\.secrets: expected an array of secrets, got a string of/,
  ],
  [
    'encryption without secrets',
    llm({ encryption: { secrets: [] } }),
    /^cache\.llm\.encryption\.secrets: expected an array of secrets, got /,
  ],
  [
    'a short secret',
    llm({ encryption: { secrets: [LONG_SECRET, SECRET.slice(0, 8)] } }),
    /^cache\.llm\.encryption\.secrets: expected texts of at least 32 characters, got another item/,
  ],
  [
    'a secret twice',
    llm({ encryption: { secrets: [LONG_SECRET, LONG_SECRET] } }),
    /^cache\.llm\.encryption\.secrets: expected different secrets, got one of them twice/,
  ],
  ...[-1, 0.5, '2048', null].map((bytes): [string, unknown, RegExp] => [
    `compressAboveBytes ${JSON.stringify(bytes)}`,
    llm({ compressAboveBytes: bytes }),
    /^cache\.llm\.compressAboveBytes: expected a whole number of bytes, or Infinity, got .*16384/,
  ]),
  [
    'a price list in the place of the pricing',
    llm({ pricing: { 'gpt-5': 1 } }),
    /^cache\.llm\.pricing: expected a function, got an object; write \(\{ model/,
  ],
];

describe('options of the LLM cache of a fleet', () => {
  it.each(MISTAKES)('%s', (_what, input, problem) => {
    expectOneMistake(input, problem);
  });

  it('never show the secrets', () => {
    const options = resolveAzureRedisOptions({
      host: HOST,
      cache: { llm: { encryption: { secrets: [LONG_SECRET] } } },
    });
    expect(options.cache.llm.encryption?.secrets).toEqual([LONG_SECRET]);
    expect(inspect(options, { depth: null })).not.toContain(SECRET);
    expect(JSON.stringify(options)).not.toContain(SECRET);
  });
});
