import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderLostError } from '../../../../lib/llm-cache/fleet/follower.js';
import {
  answerOf,
  each,
  inPieces,
  lostBehind,
  pieceSizes,
  receiveContinued,
} from './lost-answers.js';

/** What differs from call to call. */
interface Call {
  readonly id: string;
  readonly created: number;
}

const callNumber = (number: number): Call => ({
  id: `chatcmpl-call${number}`,
  created: 1_700_000_000 + number,
});

const FIRST = callNumber(1);
const SECOND = callNumber(2);

const DONE = 'data: [DONE]\n\n';

const completion = ({ id, created }: Call, content: string): string =>
  JSON.stringify({ id, created, choices: [{ index: 0, delta: { content } }] });

const eventsOf = (call: Call, words: readonly string[]): string[] => [
  ...words.map((word) => `data: ${completion(call, word)}\n\n`),
  DONE,
];

const streamOf = (call: Call, words: readonly string[]): string => eventsOf(call, words).join('');

const words = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 10 });

/** The events that are whole in these bytes. */
const eventsIn = (chunks: readonly Buffer[]): number =>
  Buffer.concat(chunks).toString('latin1').split('\n\n').length - 1;

const differs = expect.objectContaining({
  message: expect.stringContaining('another call answers something else'),
});

describe('a stream that has lost its leader', () => {
  it('goes on behind what was given, each event once and with one id, wherever it was lost', async () => {
    await fc.assert(
      fc.asyncProperty(words, pieceSizes, pieceSizes, fc.nat(60), async (said, a, b, at) => {
        const given = inPieces(streamOf(FIRST, said), a).slice(0, at);
        const second = inPieces(streamOf(SECOND, said), b);
        const { text, error, asked } = await receiveContinued(answerOf(lostBehind(given)), [
          answerOf(each(second)),
        ]);
        expect(error).toBeUndefined();
        expect(asked).toBe(1);
        expect(text).toBe(streamOf(eventsIn(given) > 0 ? FIRST : SECOND, said));
      }),
      { numRuns: 300 },
    );
  });

  it('goes on with a third call, whoever of the two before has given more', async () => {
    await fc.assert(
      fc.asyncProperty(words, pieceSizes, fc.nat(60), fc.nat(60), async (said, sizes, a, b) => {
        const [first, second, third] = [1, 2, 3].map((number) =>
          inPieces(streamOf(callNumber(number), said), sizes),
        );
        const lost = [first?.slice(0, a) ?? [], second?.slice(0, b) ?? []];
        const { text, error, asked } = await receiveContinued(answerOf(lostBehind(lost[0] ?? [])), [
          answerOf(lostBehind(lost[1] ?? [])),
          answerOf(each(third ?? [])),
        ]);
        const source = lost.findIndex((chunks) => eventsIn(chunks) > 0);
        expect(error).toBeUndefined();
        expect(asked).toBe(2);
        expect(text).toBe(streamOf(callNumber(source === -1 ? 3 : source + 1), said));
      }),
    );
  });

  it('ends with its third leader', async () => {
    const lost = () => answerOf(lostBehind(inPieces(streamOf(FIRST, ['a', 'b']), [100])));
    const { error, asked } = await receiveContinued(lost(), [lost(), lost(), lost()]);
    expect(error).toBeInstanceOf(LeaderLostError);
    expect(asked).toBe(2);
  });

  it('is cut by other words than were given: two answers are never mixed', async () => {
    await fc.assert(
      fc.asyncProperty(words, pieceSizes, fc.nat(60), fc.nat(9), async (said, sizes, at, other) => {
        const index = other % said.length;
        const given = inPieces(streamOf(FIRST, said), sizes).slice(0, at);
        const changed = said.with(index, `${said[index]}, or not`);
        const { text, error } = await receiveContinued(answerOf(lostBehind(given)), [
          answerOf(each(inPieces(streamOf(SECOND, changed), sizes))),
        ]);
        const isGiven = index < eventsIn(given);
        const id = eventsIn(given) > 0 ? FIRST : SECOND;
        // Nobody can tell that the first call would have said something else later.
        const expected = isGiven
          ? eventsOf(FIRST, said).slice(0, eventsIn(given))
          : eventsOf(id, changed);
        expect(text).toBe(expected.join(''));
        expect(error).toEqual(isGiven ? differs : undefined);
      }),
    );
  });

  it('is cut by an answer that ends before', async () => {
    const given = eventsOf(FIRST, ['a', 'b', 'c']).slice(0, 3);
    for (const length of [0, 1, 2]) {
      const shorter = eventsOf(SECOND, ['a', 'b', 'c']).slice(0, length);
      const { text, error } = await receiveContinued(answerOf(lostBehind(given)), [
        answerOf(each(shorter)),
      ]);
      expect(error).toEqual(differs);
      expect(text).toBe(given.join(''));
    }
  });

  it.each([
    ['another status', 'text/event-stream', { status: 500 }],
    ['another type', 'application/json', {}],
    ['another kind', 'text/event-stream', { kind: 'iterable' } as const],
  ])('is cut by an answer of %s', async (_what, type, more) => {
    const given = eventsOf(FIRST, ['a']);
    const second = answerOf(each(eventsOf(SECOND, ['a'])), type, more);
    const { text, error } = await receiveContinued(answerOf(lostBehind(given)), [second]);
    expect(error).toEqual(differs);
    expect(text).toBe(given.join(''));
  });

  it('is cut when nobody answers any more', async () => {
    const { text, error } = await receiveContinued(answerOf(lostBehind([DONE])), []);
    expect(String(error)).toContain('Nobody answers.');
    expect(text).toBe(DONE);
  });

  it('goes on where its events have neither id nor time', async () => {
    const events = ['data: 1\n\n', ': wait\n\n', 'data: {"text":"Hi"}\n\n', 'data: {"x\n\n', DONE];
    for (let at = 0; at <= events.length; at += 1) {
      const { text, error } = await receiveContinued(answerOf(lostBehind(events.slice(0, at))), [
        answerOf(each(inPieces(events.join(''), [7]))),
      ]);
      expect(error).toBeUndefined();
      expect(text).toBe(events.join(''));
    }
  });

  it('has nothing to do with one that fails by itself', async () => {
    async function* failing(): AsyncGenerator<unknown, void> {
      yield DONE;
      throw new Error('The answer was cut.');
    }
    const { error, asked } = await receiveContinued(answerOf(failing()), [answerOf(each([DONE]))]);
    expect(String(error)).toContain('The answer was cut.');
    expect(asked).toBe(0);
  });
});

describe('a JSON text that has lost its leader', () => {
  it('is that of the next call, whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), pieceSizes, fc.nat(60), async (word, sizes, at) => {
        const given = inPieces(completion(FIRST, word), sizes).slice(0, at);
        const next = completion(SECOND, `another ${word}`);
        const { text, error } = await receiveContinued(
          answerOf(lostBehind(given), 'application/json'),
          [answerOf(each(inPieces(next, sizes)), 'application/json')],
        );
        expect(error).toBeUndefined();
        expect(text).toBe(next);
      }),
    );
  });
});

describe.each([
  [
    'JSON lines',
    'application/x-ndjson',
    (call: Call, word: string) => `${completion(call, word)}\n`,
  ],
  ['raw text', 'text/plain', (_call: Call, word: string) => `${word}, `],
  ['a body of no type', undefined, (_call: Call, word: string) => `${word}, `],
])('%s that has lost its leader', (_what, type, pieceOf) => {
  const piecesOf = (call: Call, said: readonly string[]): string[] =>
    said.map((word) => pieceOf(call, word));

  it('goes on in the same pieces, with one id', async () => {
    await fc.assert(
      fc.asyncProperty(words, fc.nat(9), async (said, at) => {
        const given = piecesOf(FIRST, said).slice(0, at);
        const { text, error } = await receiveContinued(answerOf(lostBehind(given), type), [
          answerOf(each(piecesOf(SECOND, said)), type),
        ]);
        expect(error).toBeUndefined();
        expect(text).toBe(piecesOf(given.length > 0 ? FIRST : SECOND, said).join(''));
      }),
    );
  });

  it('is whole or cut in other pieces, never mixed', async () => {
    await fc.assert(
      fc.asyncProperty(words, pieceSizes, pieceSizes, fc.nat(9), async (said, a, b, at) => {
        const whole = piecesOf(FIRST, said).join('');
        const given = inPieces(whole, a).slice(0, at);
        const { text, error } = await receiveContinued(answerOf(lostBehind(given), type), [
          answerOf(each(inPieces(piecesOf(FIRST, said).join(''), b)), type),
        ]);
        const expected = error === undefined ? whole : Buffer.concat(given).toString();
        expect(text).toBe(expected);
        expect([differs, undefined]).toContainEqual(error);
      }),
    );
  });
});

describe('events of an @Sse() handler that have lost their leader', () => {
  const SSE = { kind: 'events' } as const;

  it.each([
    ['as texts', (json: string): unknown => json],
    ['as objects', (json: string): unknown => JSON.parse(json)],
  ])('go on with one id: data %s', async (_what, dataOf) => {
    const said = ['a', 'b', 'c'];
    const eventsBy = (call: Call): object[] =>
      said.map((word) => ({ type: 'word', data: dataOf(completion(call, word)) }));
    const { chunks, error } = await receiveContinued(
      answerOf(lostBehind(eventsBy(FIRST).slice(0, 2)), undefined, SSE),
      [answerOf(each(eventsBy(SECOND)), undefined, SSE)],
    );
    expect(error).toBeUndefined();
    expect(chunks).toEqual(eventsBy(FIRST));
  });

  it('go on where nothing in them differs', async () => {
    const events = [{ data: 'a', id: '1' }, { data: { text: 'b' } }, { data: 'c', retry: 5 }];
    for (let at = 0; at <= events.length; at += 1) {
      const { chunks, error } = await receiveContinued(
        answerOf(lostBehind(events.slice(0, at)), undefined, SSE),
        [answerOf(each(events), undefined, SSE)],
      );
      expect(error).toBeUndefined();
      expect(chunks).toEqual(events);
    }
  });

  it('are cut by others', async () => {
    const { chunks, error } = await receiveContinued(
      answerOf(lostBehind([{ data: 'a' }]), undefined, SSE),
      [answerOf(each([{ data: 'b' }, { data: 'c' }]), undefined, SSE)],
    );
    expect(error).toEqual(differs);
    expect(chunks).toEqual([{ data: 'a' }]);
  });
});
