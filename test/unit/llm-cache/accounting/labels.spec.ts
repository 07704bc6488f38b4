import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cleanName,
  LabelBook,
  MAX_LABEL_PAIRS,
} from '../../../../lib/llm-cache/accounting/labels.js';

const ROUTE = 'POST /v1/chat/completions';

function pairsOf(book: LabelBook, requests: Iterable<readonly [string, string]>): Set<string> {
  const pairs = new Set<string>();
  for (const [route, model] of requests) pairs.add(JSON.stringify(book.labelsOf(route, model)));
  return pairs;
}

describe('the names of models and routes', () => {
  it('are their own while there is room', () => {
    const book = new LabelBook();
    expect(book.labelsOf(ROUTE, 'gpt-4o')).toEqual({ route: ROUTE, model: 'gpt-4o' });
    expect(book.labelsOf(ROUTE, undefined)).toEqual({ route: ROUTE, model: 'unknown' });
  });

  it.each<[string, (n: number) => readonly [string, string]]>([
    ['models', (n) => [ROUTE, `model ${n}`]],
    ['routes', (n) => [`/users/${n}`, 'gpt-4o']],
    ['both', (n) => [`/users/${n}`, `model ${n}`]],
    ['both, crossed', (n) => [`/users/${n % 90}`, `model ${n % 91}`]],
  ])('are bounded, whatever %s callers make up', (_what, request) => {
    const requests = Array.from({ length: 10_000 }, (_, n) => request(n));
    const pairs = pairsOf(new LabelBook(), requests);
    expect(pairs.size).toBeLessThanOrEqual(MAX_LABEL_PAIRS);
    expect(pairs.size).toBeGreaterThan(MAX_LABEL_PAIRS / 2 - 1);
  });

  it('are bounded in any order', () => {
    const name = fc.string({ unit: 'binary', maxLength: 3 });
    const requests = fc.array(fc.tuple(name, name), { minLength: 200, maxLength: 1_000 });
    fc.assert(
      fc.property(requests, (sent) => {
        expect(pairsOf(new LabelBook(), sent).size).toBeLessThanOrEqual(MAX_LABEL_PAIRS);
      }),
      { numRuns: 20 },
    );
  });

  it('stay when others come behind the bound, and a known route keeps its own', () => {
    const book = new LabelBook();
    book.labelsOf(ROUTE, 'gpt-4o');
    pairsOf(
      book,
      Array.from({ length: 200 }, (_, n) => ['/v1/messages', `model ${n}`] as const),
    );
    expect(book.labelsOf(ROUTE, 'gpt-4o')).toEqual({ route: ROUTE, model: 'gpt-4o' });
    expect(book.labelsOf(ROUTE, 'o3')).toEqual({ route: ROUTE, model: 'other' });
    expect(book.labelsOf('/v2', 'gpt-4o')).toEqual({ route: 'other', model: 'other' });
  });
});

describe('a name', () => {
  it.each([
    ['gpt-4o', 'gpt-4o'],
    ['modèle 模型 🤖', 'modèle 模型 🤖'],
    ['a\nb\r\tc\u0000d\u007F\u009Fe', 'abcde'],
    ['a\u2028b\u2029c\u202Ed\uFEFF', 'abcd'],
    ['half \uD83E', 'half '],
    ['\u0000', 'unknown'],
    ['', 'unknown'],
    ['x'.repeat(2_000_000), 'x'.repeat(128)],
    [`${'x'.repeat(127)}🤖`, 'x'.repeat(127)],
    [`${'x'.repeat(126)}🤖`, `${'x'.repeat(126)}🤖`],
  ])('%#: is fit for a log and a metric', (name, clean) => {
    expect(cleanName(name)).toBe(clean);
  });

  it('has no controls and no more than 128 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_000 }), (name) => {
        expect(cleanName(name)).toMatch(/^\P{C}{1,128}$/u);
        expect(cleanName(name).length).toBeLessThanOrEqual(128);
      }),
    );
  });
});
