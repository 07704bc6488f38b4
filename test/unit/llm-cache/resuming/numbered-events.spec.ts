import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasEvents, numberedEvents } from '../../../../lib/llm-cache/resuming/numbered-events.js';
import type { AnswerHead } from '../../../../lib/llm-cache/recording/answer.js';

const HEAD: AnswerHead = {
  kind: 'response',
  status: 200,
  headers: { 'content-type': 'text/event-stream' },
};
const EVENTS: AnswerHead = { kind: 'events', status: 200, headers: {} };

const idOf = (event: number): string => `answer.replay.${event}`;

async function* each(chunks: readonly unknown[]): AsyncGenerator<unknown, void> {
  yield* chunks;
}

async function numbered(
  head: AnswerHead,
  chunks: readonly unknown[],
  after: number,
): Promise<unknown[]> {
  const given: unknown[] = [];
  for await (const chunk of numberedEvents(head, each(chunks), idOf, after)) given.push(chunk);
  return given;
}

async function textOf(chunks: readonly unknown[], after: number): Promise<string> {
  const given = await numbered(HEAD, chunks, after);
  return Buffer.concat(
    given.map((chunk) => (Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)))),
  ).toString();
}

const line = fc
  .tuple(
    fc.constantFrom('data: ', 'data:', 'event: ', ': ', 'other'),
    fc.string({ unit: 'grapheme' }),
  )
  .map(([field, text]) => field + text.replaceAll(/[\r\n]/g, ' '));

/** With the blank line that ends it. */
const block = fc
  .tuple(fc.array(line, { minLength: 1, maxLength: 4 }), fc.constantFrom('\n', '\r\n', '\r'))
  .map(([lines, end]) => lines.map((one) => one + end).join('') + end);

const blocks = fc.array(block, { minLength: 1, maxLength: 8 });
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });

/** Pieces of these sizes in turn. */
function cut<T>(items: readonly T[], inSizes: readonly number[]): T[][] {
  const pieces: T[][] = [];
  for (let start = 0, index = 0; start < items.length; index += 1) {
    const size = inSizes[index % inSizes.length] ?? 1;
    pieces.push(items.slice(start, start + size));
    start += size;
  }
  return pieces;
}

const inBytes = (text: string, inSizes: readonly number[]): Buffer[] =>
  cut([...Buffer.from(text)], inSizes).map((bytes) => Buffer.from(bytes));

const inTexts = (text: string, inSizes: readonly number[]): string[] =>
  cut(Array.from(text), inSizes).map((characters) => characters.join(''));

describe.each([
  ['bytes', inBytes],
  ['texts', inTexts],
])('an event stream in %s', (_what, pieces) => {
  it('has an id in front of each event, and all else as it was, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, sizes, async (all, inSizes) => {
        const expected = all.map((one, index) => `id: ${idOf(index)}\n${one}`);
        expect(await textOf(pieces(all.join(''), inSizes), -1)).toBe(expected.join(''));
      }),
    );
  });

  it('what a caller has got and the rest are the whole, wherever he broke off', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, sizes, sizes, fc.nat(9), async (all, before, later, after) => {
        const text = all.join('');
        const whole = await textOf(pieces(text, before), -1);
        const rest = await textOf(pieces(text, later), after);
        const start = whole.indexOf(`id: ${idOf(after + 1)}\n`);
        expect(rest).toBe(start === -1 ? '' : whole.slice(start));
        expect(start === -1).toBe(after + 1 >= all.length);
      }),
    );
  });

  it('numbers what no blank line has ended, too', async () => {
    const cutOff = pieces('data: 1\n\ndata: 2', [5]);
    expect(await textOf(cutOff, 0)).toBe('id: answer.replay.1\ndata: 2');
  });
});

describe('an event stream in bytes', () => {
  it('begins with its byte order mark', async () => {
    const chunks = [Buffer.from('\uFEFFdata: 1\n\ndata: 2\n\n')];
    expect(await textOf(chunks, -1)).toBe('\uFEFFdata: 1\n\nid: answer.replay.1\ndata: 2\n\n');
    expect(await textOf(chunks, 0)).toBe('id: answer.replay.1\ndata: 2\n\n');
  });

  it.each(['id: 7\ndata: 1\n\n', 'data: 1\nid: 7\n\n', 'data: 1\nid\n\n'])(
    'has the ids by which it can be resumed, not its own: %j',
    async (event) => {
      const lines = (await textOf([Buffer.from(event)], -1)).split('\n');
      // The last one of an event counts.
      const id = lines.findLast((one) => /^id(?::|$)/.test(one));
      expect(id).toBe('id: answer.replay.0');
    },
  );
});

describe('events as objects', () => {
  it('have ids of their own, and what is no event becomes one', async () => {
    const chunks = [{ data: 'a', type: 'word' }, 'b', { data: 'c', id: '7' }, 4, null];
    const expected = [
      { data: 'a', type: 'word', id: idOf(0) },
      { data: 'b', id: idOf(1) },
      { data: 'c', id: idOf(2) },
      { data: 4, id: idOf(3) },
      { data: null, id: idOf(4) },
    ];
    for (let after = -1; after < 6; after += 1) {
      expect(await numbered(EVENTS, chunks, after)).toEqual(expected.slice(after + 1));
    }
  });
});

describe.each([
  ['bytes', HEAD],
  ['objects', EVENTS],
])('a source of %s', (_what, head) => {
  it('is left at once, though a piece of it is awaited', async () => {
    let isLeft = false;
    const source: AsyncIterableIterator<unknown> = {
      [Symbol.asyncIterator]: () => source,
      next: () => new Promise(() => undefined),
      return: async () => {
        isLeft = true;
        return { done: true, value: undefined };
      },
    };
    const events = numberedEvents(head, source, idOf, -1);
    void events.next();
    expect(await events.return?.()).toEqual({ done: true, value: undefined });
    expect(isLeft).toBe(true);
  });

  it('that fails fails for the caller', async () => {
    async function* failing(): AsyncGenerator<unknown, void> {
      yield 'data: 1\n\n';
      throw new Error('cut');
    }
    const events = numberedEvents(head, failing(), idOf, -1);
    expect(await events.next()).toMatchObject({ done: false });
    await expect(events.next()).rejects.toThrow('cut');
  });
});

it.each([
  [EVENTS, true],
  [HEAD, true],
  [{ ...HEAD, headers: { 'content-type': 'text/event-stream; charset=utf-8' } }, true],
  [{ ...HEAD, headers: { 'content-type': 'text/event-streams' } }, false],
  [{ ...HEAD, headers: { 'content-type': 'application/json' } }, false],
  [{ ...HEAD, headers: {} }, false],
])('of %j: has events: %s', (head, isStream) => {
  expect(hasEvents(head)).toBe(isStream);
});
