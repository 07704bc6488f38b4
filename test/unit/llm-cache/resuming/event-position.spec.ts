import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AS_IT_CAME,
  eventId,
  newReplay,
  readEventId,
  timeOfReplay,
} from '../../../../lib/llm-cache/resuming/event-position.js';
import { newOrigin } from '../../../../lib/llm-cache/recording/answer.js';

const MOST_MS = 8_640_000_000_000_000;

const word = fc.stringMatching(/^[\w.\n -]{0,5}$/);
const likeOurs = fc.tuple(word, word, word).map((words) => words.join('.'));

describe('the id of an event', () => {
  it('tells where the caller is', () => {
    const replays = fc.oneof(
      fc.constant(AS_IT_CAME),
      fc.nat(MOST_MS).map((now) => newReplay(now)),
    );
    fc.assert(
      fc.property(replays, fc.nat(999_999_999), (replay, event) => {
        const position = { answer: newOrigin('epoch').id, replay, event };
        expect(readEventId(eventId(position))).toEqual(position);
      }),
    );
  });

  it('has no line break, whatever else is in it', () => {
    const id = eventId({ answer: newOrigin('1').id, replay: newReplay(), event: 3 });
    expect(id).toMatch(/^[\w-]+\.[\w-]+\.3$/);
  });

  it.each([
    undefined,
    '',
    '7',
    'answer',
    'answer.replay',
    'answer.replay.',
    'answer.replay.x',
    'answer.replay.-1',
    'answer.replay.1.5',
    'answer.replay.1 ',
    ' answer.replay.1',
    'answer.replay.1\nanswer.replay.2',
    'answer..1',
    '.replay.1',
    'ans/wer.replay.1',
    'ans\u0000wer.replay.1',
    'answer.replay.1234567890',
    `${'a'.repeat(41)}.replay.1`,
    `answer.${'a'.repeat(41)}.1`,
    ['answer.replay.1'],
    { answer: 'answer', replay: 'replay', event: 1 },
  ])('is none of ours: %j', (text) => {
    expect(readEventId(text)).toBeUndefined();
  });

  it('of somebody else is none, or one with the same text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), likeOurs), (text) => {
        const position = readEventId(text);
        const isOurs = /^[\w-]{1,40}\.[\w-]{1,40}\.\d{1,9}$/.test(text);
        expect(position === undefined).toBe(!isOurs);
      }),
    );
  });
});

describe('a replay', () => {
  it('tells its time, in seconds', () => {
    fc.assert(
      fc.property(fc.nat(MOST_MS), (now) => {
        expect(timeOfReplay(newReplay(now))).toBe(Math.floor(now / 1_000));
      }),
    );
  });

  it('has a name of its own', () => {
    const names = Array.from({ length: 1_000 }, () => newReplay(0));
    expect(new Set(names).size).toBe(names.length);
  });
});
