import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import {
  MAX_NAMESPACE_LENGTH,
  readRequestControls,
  withoutControls,
  type RequestControls,
} from '../../../lib/llm-cache/policy/request-controls.js';

const LIMITS = { maxTtlMs: 3_600_000 };
const NEUTRAL: RequestControls = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  maxAgeMs: undefined,
  ttlMs: undefined,
  namespace: undefined,
  useCache: false,
};

const fromHeader = (text: string) =>
  readRequestControls({ 'cache-control': text }, undefined, 'http', LIMITS);
const fromMember = (cache: unknown) => readRequestControls({}, { cache }, 'litellm', LIMITS);

describe('the Cache-Control header of a request', () => {
  it.each<[string, Partial<RequestControls>]>([
    ['no-cache', { noCache: true }],
    ['no-store', { noStore: true }],
    ['only-if-cached', { onlyIfCached: true }],
    ['max-age=60', { maxAgeMs: 60_000 }],
    ['max-age="60"', { maxAgeMs: 60_000 }],
    ['max-age=060', { maxAgeMs: 60_000 }],
    ['max-age=0', { noCache: true }],
    ['max-age="0"', { noCache: true }],
    ['max-age=99999999999999999999', { maxAgeMs: 2 ** 31 * 1000 }],
    ['NO-CACHE, No-Store, MAX-AGE=5', { noCache: true, noStore: true, maxAgeMs: 5000 }],
    ['no-cache,no-store', { noCache: true, noStore: true }],
    [' ,, no-cache ,\t, no-store , ', { noCache: true, noStore: true }],
    ['max-age=60, max-age=10, max-age=20', { maxAgeMs: 10_000 }],
    ['max-age=x, max-age=10', { maxAgeMs: 10_000 }],
    ['foo="a, no-cache", no-store', { noStore: true }],
    ['foo="a\\", no-cache", no-store', { noStore: true }],
    ['foo="a\\\\", no-store', { noStore: true }],
    ['no-cache="set-cookie"', { noCache: true }],
    // All the others of RFC 9111 and its extensions mean nothing here.
    ['min-fresh=5, max-stale, max-stale=5, no-transform', {}],
    ['stale-if-error=5, s-maxage=5, private, public, must-revalidate', {}],
    ['ttl=5, namespace=x, use-cache', {}],
    ['', {}],
    // Malformed.
    ['max-age', {}],
    ['max-age=', {}],
    ['max-age=-1', {}],
    ['max-age=1.5', {}],
    ['max-age=1e3', {}],
    ['max-age=60s', {}],
    ['max-age=0x10', {}],
    ['max-age="60', {}],
    ['max-age = 60', {}],
    ['no cache', {}],
    ['no-cache-please', {}],
    ['=no-cache', {}],
    ['foo="a, no-cache', {}],
    ['foo="a, no-cache\\', {}],
  ])('%s', (text, expected) => {
    expect(fromHeader(text)).toEqual({ ...NEUTRAL, ...expected });
  });

  it('is joined when it came several times', () => {
    // Node joins them; a hand-made list may come from a door of our own.
    const headers: unknown = { 'cache-control': ['no-cache', 'max-age=5'] };
    expect(readRequestControls(headers as IncomingHttpHeaders, undefined, 'http', LIMITS)).toEqual({
      ...NEUTRAL,
      noCache: true,
      maxAgeMs: 5000,
    });
  });

  it.each<[string, Record<string, string>, boolean]>([
    ['alone', { pragma: 'no-cache' }, true],
    ['in capitals, among others', { pragma: 'foo, No-Cache' }, true],
    ['with something else in it', { pragma: 'no-store' }, false],
    ['beside Cache-Control', { pragma: 'no-cache', 'cache-control': 'max-age=5' }, false],
    ['beside an empty Cache-Control', { pragma: 'no-cache', 'cache-control': '' }, false],
  ])('may be replaced by Pragma: %s', (_what, headers, noCache) => {
    const controls = readRequestControls(headers, undefined, 'http', LIMITS);
    expect(controls.noCache).toBe(noCache);
    expect(controls.noStore).toBe(false);
  });

  it.each([
    ['quotes that are never closed', '"\\'.repeat(8000)],
    ['pairs of quotes', '"'.repeat(16_001)],
    ['escapes', `"${'\\'.repeat(16_001)}`],
    ['commas', ','.repeat(16_000)],
    ['one name', 'a'.repeat(16_000)],
  ])('is read in no time, full of %s', (_what, text) => {
    const start = performance.now();
    expect(fromHeader(text)).toEqual(NEUTRAL);
    // A quadratic reader takes seconds.
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('the body member `cache`', () => {
  it.each<[unknown, Partial<RequestControls>]>([
    [{ 'no-cache': true }, { noCache: true }],
    [{ 'no-store': true }, { noStore: true }],
    [{ 'use-cache': true }, { useCache: true }],
    [{ ttl: 60 }, { ttlMs: 60_000 }],
    [{ ttl: 0.5 }, { ttlMs: 500 }],
    [{ ttl: 0.0001 }, { ttlMs: 1 }],
    [{ ttl: 3601 }, { ttlMs: 3_600_000 }],
    [{ 's-maxage': 60 }, { maxAgeMs: 60_000 }],
    [{ 's-max-age': 60 }, { maxAgeMs: 60_000 }],
    [{ 's-max-age': 90, 's-maxage': 60 }, { maxAgeMs: 90_000 }],
    [{ 's-max-age': '90', 's-maxage': 60 }, { maxAgeMs: 60_000 }],
    [{ 's-max-age': 0, 's-maxage': 60 }, { noCache: true }],
    [{ 's-maxage': 0 }, { noCache: true }],
    [{ 's-maxage': -1 }, { noCache: true }],
    [{ namespace: 'team-a' }, { namespace: 'team-a' }],
    [{ namespace: 'n'.repeat(MAX_NAMESPACE_LENGTH) }, { namespace: 'n'.repeat(200) }],
    [
      { 'no-cache': true, 'no-store': true, 'use-cache': true, ttl: 1, 's-maxage': 2 },
      { noCache: true, noStore: true, useCache: true, ttlMs: 1000, maxAgeMs: 2000 },
    ],
    // Wrong types and values.
    [{ 'no-cache': 'true', 'no-store': 1, 'use-cache': 'yes' }, {}],
    [{ 'no-cache': false, 'no-store': null, 'use-cache': {} }, {}],
    [{ ttl: '60' }, {}],
    [{ ttl: 0 }, {}],
    [{ ttl: -5 }, {}],
    [{ ttl: Number.POSITIVE_INFINITY, 's-maxage': Number.POSITIVE_INFINITY }, {}],
    [{ ttl: Number.NaN, 's-maxage': Number.NaN }, {}],
    [{ ttl: [60], 's-maxage': '60', 's-max-age': null }, {}],
    [{ namespace: '' }, {}],
    [{ namespace: 7 }, {}],
    [{ namespace: ['a'] }, {}],
    [{ namespace: 'n'.repeat(MAX_NAMESPACE_LENGTH + 1) }, {}],
    [{ 'only-if-cached': true, 'max-age': 5, 'No-Cache': true, no_cache: true }, {}],
    [{}, {}],
    [null, {}],
    [true, {}],
    ['no-cache', {}],
    [['no-cache'], {}],
    [undefined, {}],
  ])('%j', (cache, expected) => {
    expect(fromMember(cache)).toEqual({ ...NEUTRAL, ...expected });
  });

  it('adds to the header, and the stricter limit of the age counts', () => {
    const read = (text: string, cache: object) =>
      readRequestControls({ 'cache-control': text }, { cache }, 'litellm', LIMITS);
    expect(read('no-store, only-if-cached', { 'no-cache': true, ttl: 1 })).toEqual({
      ...NEUTRAL,
      noStore: true,
      onlyIfCached: true,
      noCache: true,
      ttlMs: 1000,
    });
    expect(read('max-age=5', { 's-maxage': 9 }).maxAgeMs).toBe(5000);
    expect(read('max-age=9', { 's-maxage': 5 }).maxAgeMs).toBe(5000);
    expect(read('max-age=0', { 's-maxage': 5 })).toEqual({ ...NEUTRAL, noCache: true });
  });
});

describe('the mode of the controls', () => {
  const headers = { 'cache-control': 'no-cache, no-store, only-if-cached, max-age=5', pragma: 'x' };
  const body = { cache: { ttl: 5, namespace: 'x', 'use-cache': true } };

  it('off: nothing that a caller sends counts', () => {
    expect(readRequestControls(headers, body, false, LIMITS)).toEqual(NEUTRAL);
  });

  it('http: the body does not count', () => {
    expect(readRequestControls(headers, body, 'http', LIMITS)).toEqual({
      ...NEUTRAL,
      noCache: true,
      noStore: true,
      onlyIfCached: true,
      maxAgeMs: 5000,
    });
    expect(readRequestControls({}, body, 'http', LIMITS)).toEqual(NEUTRAL);
  });

  it('litellm: a request without a body has the header only', () => {
    expect(readRequestControls({}, undefined, 'litellm', LIMITS)).toEqual(NEUTRAL);
  });
});

describe('a body without its controls', () => {
  it('has all other members, and the original stays as it was', () => {
    const body = { model: 'm', cache: { ttl: 5 }, caching: false };
    expect(withoutControls(body)).toEqual({ model: 'm', caching: false });
    expect(body.cache).toEqual({ ttl: 5 });
    expect(withoutControls({ model: 'm' })).toEqual({ model: 'm' });
  });
});
