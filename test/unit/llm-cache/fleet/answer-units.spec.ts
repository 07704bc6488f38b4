import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitsOf } from '../../../../lib/llm-cache/fleet/answer-units.js';
import { chunkOf } from '../../../../lib/llm-cache/recording/replay.js';
import type { AnswerHead } from '../../../../lib/llm-cache/recording/answer.js';
import { each, inPieces, pieceSizes } from './lost-answers.js';

const headOf = (type: string): AnswerHead => ({
  kind: 'response',
  status: 200,
  headers: { 'content-type': type },
});

async function unitTexts(
  head: AnswerHead,
  chunks: readonly unknown[],
  isEventStream = false,
): Promise<string[]> {
  const texts: string[] = [];
  for await (const { bytes } of unitsOf(head, isEventStream, each(chunks))) {
    texts.push(bytes.toString());
  }
  return texts;
}

const EVENTS = ['data: 1\n\n', ': still there\n\n', 'event: x\ndata: {"ü":2}\n\n', 'data: 3'];

describe('the units of an answer', () => {
  it.each([
    ['that says so', headOf('text/event-stream; charset=utf-8'), false],
    ['that is known to be one', headOf('text/plain'), true],
  ])('are the events of a stream %s, however it is cut', async (_what, head, isEventStream) => {
    await fc.assert(
      fc.asyncProperty(pieceSizes, async (sizes) => {
        const chunks = inPieces(EVENTS.join(''), sizes);
        expect(await unitTexts(head, chunks, isEventStream)).toEqual(EVENTS);
      }),
    );
  });

  it('are one for a JSON text', async () => {
    const json = JSON.stringify({ text: 'Grüße', more: ['\n\n'] });
    await fc.assert(
      fc.asyncProperty(pieceSizes, async (sizes) => {
        expect(await unitTexts(headOf('application/json'), inPieces(json, sizes))).toEqual([json]);
      }),
    );
  });

  it('are the pieces of any other body', async () => {
    const chunks = ['{"line":1}\n', Buffer.from('{"line":2}\n')];
    expect(await unitTexts(headOf('application/x-ndjson'), chunks)).toEqual(chunks.map(String));
    expect(await unitTexts(headOf('text/plain'), chunks)).toEqual(chunks.map(String));
  });

  it('are the events of an @Sse() handler', async () => {
    const events = [{ data: 'a' }, { data: { b: 1 }, type: 'word' }];
    const head: AnswerHead = { kind: 'events', status: 200, headers: {} };
    const given: unknown[] = [];
    for await (const unit of unitsOf(head, false, each(events))) {
      given.push(chunkOf(unit, unit.bytes));
    }
    expect(given).toEqual(events);
  });

  it('are none of an empty body', async () => {
    expect(await unitTexts(headOf('text/event-stream'), [])).toEqual([]);
    expect(await unitTexts(headOf('application/json'), [''])).toEqual([]);
  });

  it.each([['a text'], [Buffer.from([0xff, 0, 0xc3])], [{ data: ['value'] }], [5], [null]])(
    'are given as they came: %j',
    async (chunk) => {
      const given: unknown[] = [];
      const head: AnswerHead = { kind: 'iterable', status: 200, headers: {} };
      for await (const unit of unitsOf(head, false, each([chunk])))
        given.push(chunkOf(unit, unit.bytes));
      expect(given).toEqual([chunk]);
    },
  );

  it('end with an error at what cannot go over the wire', async () => {
    const chunks = ['data: 1\n\n', new Map()];
    await expect(unitTexts(headOf('text/event-stream'), chunks)).rejects.toThrow('was cut');
  });
});
