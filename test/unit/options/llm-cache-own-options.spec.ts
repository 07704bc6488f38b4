import { LlmCache } from 'nestjs-azure-redis';
import { describe, expect, it } from 'vitest';
import {
  checkFetchOptions,
  checkRouteOptions,
} from '../../../lib/options/llm-cache-own-options.js';

const FINE: readonly (readonly [string, object])[] = [
  ['nothing', {}],
  ['what is left out', { ttlMs: undefined, scope: undefined, tags: undefined }],
  ['numbers', { ttlMs: 0.5, maxEntryBytes: 1, staleIfErrorMs: 0, staleWhileRevalidateMs: 0 }],
  ['functions', { tags: () => ['a'], scope: () => 'tenant' }],
  ['others', { tags: ['a'], scope: 'public', pacing: 'recorded', near: false, shadow: true }],
];

const WRONG: readonly (readonly [object, RegExp])[] = [
  [{ tllMs: 1 }, /tllMs: expected a known option.*did you mean .*ttlMs\?/],
  [{ ttlMs: 0 }, /ttlMs: expected a number of milliseconds above 0.*got the number 0;/],
  [{ ttlMs: Number.NaN }, /ttlMs: expected/],
  [{ ttlMs: '60' }, /ttlMs: expected .*got "60"/],
  [{ maxEntryBytes: 0 }, /maxEntryBytes: expected a whole number of bytes above 0/],
  [{ staleIfErrorMs: -1 }, /staleIfErrorMs: expected/],
  [{ staleWhileRevalidateMs: 0.5 }, /staleWhileRevalidateMs: expected/],
  [{ pacing: 'slow' }, /pacing: expected/],
  [{ verbatim: 1 }, /verbatim: expected true or false/],
  [{ shadow: 'yes' }, /shadow: expected true or false/],
  [{ near: 0 }, /near: expected true or false/],
  [{ tags: 'kb-42' }, /tags: expected an array of names, or a function/],
  [{ tags: [''] }, /tags: expected .*other items/],
];

describe.each([
  ['@LlmCache()', checkRouteOptions],
  ['createFetch()', checkFetchOptions],
])('the options of %s', (where, check) => {
  it.each(FINE)('may be %s', (_what, options) => {
    expect(() => check(options)).not.toThrow();
  });

  it.each(WRONG)('are refused: %o', (options, message) => {
    expect(() => check(options)).toThrow(message);
    expect(() => check(options)).toThrow(where);
  });

  it('are refused with all mistakes at once, and without a value that may be secret', () => {
    const all = { ttlMs: 'sk-secret-of-somebody-else-0123456789', near: 'no', nonsense: 1 };
    const refused = catchOf(() => check(all));
    expect(refused).toMatchObject({ code: 'INVALID_OPTIONS', problems: { length: 3 } });
    expect(String(refused)).not.toContain('sk-secret');
  });
});

describe('what only one of them has', () => {
  it.each([
    [{ scope: 'tenant-7' }, /scope: expected a function or 'public'/],
    [{ cacheable: true }, /cacheable: expected a function/],
    [{ resumable: 1 }, /resumable: expected true or false/],
    [{ fetch: () => undefined }, /fetch: expected a known option/],
  ])('a route: %o', (options, message) => {
    expect(() => checkRouteOptions(options)).toThrow(message);
  });

  it.each([
    [{ scope: '' }, /scope: expected a name, or a function/],
    [{ ttlMs: () => 1 }, /ttlMs: expected a number of milliseconds above 0, got a function/],
    [{ fetch: 'https://api' }, /fetch: expected a function/],
    [{ cacheable: () => true }, /cacheable: expected a known option/],
  ])('a fetch: %o', (options, message) => {
    expect(() => checkFetchOptions(options)).toThrow(message);
  });

  it('is known where it belongs', () => {
    const route = { cacheable: () => true, resumable: true, ttlMs: () => 1 };
    expect(() => LlmCache(route)).not.toThrow();
    expect(() => checkFetchOptions({ fetch, scope: 'tenant-7' })).not.toThrow();
  });
});

function catchOf(act: () => void): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}
