import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type {
  AzureRedisModuleOptions,
  AzureRedisOptions,
} from '../../../lib/options/azure-redis-options.interface.js';
import { VARIABLES } from '../../../lib/options/from-environment.js';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import { read } from '../../fixtures/docs/pages.js';
import { plain, tableOf } from '../../fixtures/docs/tables.js';
import { membersOf } from './interface-members.js';

const OPTIONS = 'lib/options/azure-redis-options.interface.ts';
const HOST = 'my-cache.westeurope.redis.azure.net';

/** Defaults that are no value: left out, they resolve to `undefined`. */
const WITHOUT_VALUE = [
  "the token's `oid`",
  'all',
  'none',
  'callers with the same credentials',
  '`user`, `metadata` …, by protocol',
];
/** Defaults that stand elsewhere: the table of `cache.llm`, and the tests of host and port. */
const ELSEWHERE = [
  'required',
  '10000; 6380 for `*.redis.cache.windows.net`',
  'see [The LLM cache](#the-llm-cache)',
];

interface DocumentedOption {
  /** `deadlines.tokenMs`. */
  readonly path: string;
  readonly fallback: string;
}

const options: readonly DocumentedOption[] = tableOf('README.md', 'option').map(
  ([path = '', fallback = '']) => ({ path: plain(path), fallback }),
);
const llmOptions: readonly DocumentedOption[] = tableOf('README.md', '`cache.llm`').map(
  ([name = '', fallback = '']) => ({ path: `cache.llm.${plain(name)}`, fallback }),
);
const all = [...options, ...llmOptions];
const writtenOut = all.filter(
  ({ fallback }) => !WITHOUT_VALUE.includes(fallback) && !ELSEWHERE.includes(fallback),
);

describe('the tables of options', () => {
  it('have a row for each option, and no other', () => {
    const sections: Readonly<Record<string, string>> = {
      deadlines: 'AzureRedisDeadlines',
      cache: 'AzureRedisCacheOptions',
    };
    const expected = membersOf(OPTIONS, 'AzureRedisModuleOptions').flatMap((name) => {
      const section = sections[name];
      return section === undefined
        ? name
        : membersOf(OPTIONS, section).map((member) => `${name}.${member}`);
    });
    expect(options.map(({ path }) => path)).toEqual(expected);
  });

  it('have a row for each option of the LLM cache, and no other', () => {
    const expected = membersOf('lib/options/llm-cache-options.interface.ts', 'LlmCacheOptions').map(
      (name) => `cache.llm.${name}`,
    );
    expect(llmOptions.map(({ path }) => path).toSorted()).toEqual(expected.toSorted());
  });

  it.each(writtenOut)('$path is $fallback when it is left out', ({ path, fallback }) => {
    expect(resolved(optionsWith(path, plain(fallback)))).toEqual(resolved({}));
  });

  it.each(all.filter(({ fallback }) => WITHOUT_VALUE.includes(fallback)))(
    '$path has no value ($fallback) when it is left out',
    ({ path }) => {
      expect(valueAt(path, resolved({}))).toBeUndefined();
    },
  );

  it('say which port belongs to which host', () => {
    const cell = options.find(({ path }) => path === 'port')?.fallback ?? '';
    const [, managed, cacheForRedis, pattern = ''] = /^(\d+); (\d+) for `(.+)`$/.exec(cell) ?? [];
    expect(resolved({}).port).toBe(Number(managed));
    expect(resolved({ host: pattern.replace('*', 'my-cache') }).port).toBe(Number(cacheForRedis));
  });

  it('say that a host is required', () => {
    expect(options.find(({ path }) => path === 'host')?.fallback).toBe('required');
    expect(() => resolveAzureRedisOptions({})).toThrow(/host/);
  });
});

it('README.md names every variable that is read', () => {
  const list = /`azureRedisOptionsFromEnv\(\)` reads (.*?)\. Nothing else/s.exec(
    read('README.md'),
  )?.[1];
  const names = [...(list ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name);
  expect(names.toSorted()).toEqual(Object.values(VARIABLES).toSorted());
});

function resolved(given: AzureRedisModuleOptions): AzureRedisOptions {
  return resolveAzureRedisOptions({ host: HOST, ...given });
}

/** @param written as the page has it */
function optionsWith(path: string, written: string): AzureRedisModuleOptions {
  const text = path.split('.').reduceRight((inner, name) => `{ ${name}: ${inner} }`, written);
  const given: AzureRedisModuleOptions = parse(text);
  return given;
}

function valueAt(path: string, from: object): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => new Map(Object.entries(value ?? {})).get(name), from);
}
