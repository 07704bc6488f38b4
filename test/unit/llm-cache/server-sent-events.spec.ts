import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ServerSentEvents,
  type ServerSentEvent,
} from '../../../lib/llm-cache/protocols/server-sent-events.js';

function read(chunks: readonly Uint8Array[]): ServerSentEvent[] {
  const reader = new ServerSentEvents();
  const events = chunks.flatMap((chunk) => reader.push(chunk));
  const tail = reader.end();
  return tail === undefined ? events : [...events, tail];
}

const readText = (text: string) => read([Buffer.from(text)]);
const spoken = (events: readonly ServerSentEvent[]) =>
  events
    .filter(({ name, data }) => name !== undefined || data !== '')
    .map(({ name, data }) => ({ name, data }));

/** The whole text at once, by the letter of the standard, but for a last event without its end. */
function readNaively(bytes: Uint8Array): { name: string | undefined; data: string }[] {
  const text = Buffer.from(bytes)
    .toString()
    .replace(/^\uFEFF/, '');
  const events: { name: string | undefined; data: string }[] = [];
  let [name, data]: [string, string | undefined] = ['', undefined];
  for (const line of [...text.replaceAll(/\r\n|\r/g, '\n').split('\n'), '']) {
    if (line === '') {
      if (name !== '' || (data ?? '') !== '') {
        events.push({ name: name === '' ? undefined : name, data: data ?? '' });
      }
      [name, data] = ['', undefined];
    } else if (/^event(:|$)/.test(line)) {
      name = line.replace(/^event:? ?/, '');
    } else if (/^data(:|$)/.test(line)) {
      const value = line.replace(/^data:? ?/, '');
      data = data === undefined ? value : `${data}\n${value}`;
    }
  }
  return events;
}

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const value = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, '')),
  fc.constantFrom('', ' ', ' :', 'Grüße, 世界 🦊', '\uFEFF', '{"a":": "}', '[DONE]'),
);
const line = fc.oneof(
  fc.tuple(fc.constantFrom('data: ', 'data:', 'event: ', 'event:', ': ', 'id: ', ':'), value),
  fc.tuple(
    fc.constantFrom('data', 'event', 'retry', 'database', ' data: x', 'events: x', '\uFEFFdata: x'),
  ),
  fc.tuple(fc.constant('')),
);
const stream = fc
  .tuple(
    fc.constantFrom('', '\uFEFF'),
    fc.array(fc.tuple(line, lineEnd), { maxLength: 30 }),
    fc.constantFrom('', 'data: the end', 'event', '\r'),
  )
  .map(([bom, lines, tail]) =>
    Buffer.from(`${bom}${lines.map(([parts, end]) => parts.join('') + end).join('')}${tail}`),
  );

/** Sizes of the first pieces; the rest comes in one. */
const sizes = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 60 });

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  let start = 0;
  const pieces = lengths.map((length) => bytes.subarray(start, (start += length)));
  return [...pieces, bytes.subarray(start)];
}

describe('a stream of server-sent events', () => {
  it('says the same however it is cut', () => {
    fc.assert(
      fc.property(stream, sizes, (bytes, lengths) => {
        expect(read(cut(bytes, lengths))).toEqual(read([bytes]));
        expect(read(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(read([bytes]));
      }),
      { numRuns: 400 },
    );
  });

  it('loses no byte', () => {
    fc.assert(
      fc.property(fc.oneof(stream, fc.uint8Array().map(Buffer.from)), sizes, (bytes, lengths) => {
        expect(Buffer.concat(read(cut(bytes, lengths)).map(({ raw }) => raw))).toEqual(bytes);
      }),
      { numRuns: 400 },
    );
  });

  it('says what the standard reads in the whole text', () => {
    fc.assert(
      fc.property(stream, sizes, (bytes, lengths) => {
        expect(spoken(read(cut(bytes, lengths)))).toEqual(readNaively(bytes));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps each event apart from the next, its blank line included', () => {
    const text = 'event: a\ndata: 1\n\ndata: 2\r\n\r\ndata: 3\r\r';
    expect(readText(text).map(({ raw }) => raw.toString())).toEqual([
      'event: a\ndata: 1\n\n',
      'data: 2\r\n\r\n',
      'data: 3\r\r',
    ]);
  });

  it('counts further blank lines to the next event', () => {
    expect(readText('data: 1\n\n\n\ndata: 2\n\n\n').map(({ raw }) => raw.toString())).toEqual([
      'data: 1\n\n',
      '\n\ndata: 2\n\n',
      '\n',
    ]);
  });

  it('gives an event as soon as its end is certain', () => {
    const reader = new ServerSentEvents();
    expect(reader.push(Buffer.from('data: 1\n'))).toEqual([]);
    expect(spoken(reader.push(Buffer.from('\n')))).toEqual([{ name: undefined, data: '1' }]);
    // A line feed may belong to the carriage return.
    expect(reader.push(Buffer.from('data: 2\r\r'))).toEqual([]);
    expect(spoken(reader.push(Buffer.from('d')))).toEqual([{ name: undefined, data: '2' }]);
  });

  it.each([
    ['a name and data', 'event: a\ndata: 1\n\n', [{ name: 'a', data: '1' }]],
    ['several lines of data', 'data: 1\ndata:2\ndata\n\n', [{ name: undefined, data: '1\n2\n' }]],
    ['one space off the front', 'data:  1\n\n', [{ name: undefined, data: ' 1' }]],
    ['a colon in the data', 'data: a: b\n\n', [{ name: undefined, data: 'a: b' }]],
    ['the last name', 'event: a\nevent: b\ndata: 1\n\n', [{ name: 'b', data: '1' }]],
    ['no name', 'event:\ndata: 1\n\n', [{ name: undefined, data: '1' }]],
    ['a comment', ': ping\n\n', []],
    [
      'a byte order mark',
      '\uFEFFdata: 1\n\ndata: \uFEFF2\n\n',
      [
        { name: undefined, data: '1' },
        { name: undefined, data: '\uFEFF2' },
      ],
    ],
    ['an event without its end', 'data: 1', [{ name: undefined, data: '1' }]],
    ['nothing', '', []],
  ])('with %s', (_what, text, events) => {
    expect(spoken(readText(text))).toEqual(events);
  });

  it('keeps comments as events that say nothing', () => {
    const [comment, event] = readText(': ping\n\ndata: 1\n\n');
    expect(comment).toEqual({ raw: Buffer.from(': ping\n\n'), name: undefined, data: '' });
    expect(event?.data).toBe('1');
  });

  it('has no tail when it ends behind an event', () => {
    const reader = new ServerSentEvents();
    reader.push(Buffer.from('data: 1\n\n'));
    expect(reader.end()).toBeUndefined();
  });

  it('does not mind that the buffer of a piece is filled again', () => {
    const reader = new ServerSentEvents();
    const piece = Buffer.from('data: 1\n');
    reader.push(piece);
    piece.fill('x');
    expect(reader.push(Buffer.from('\n')).map(({ data }) => data)).toEqual(['1']);
  });

  it('is read in a time that grows with its length alone', () => {
    const bytes = Buffer.from(`data: ${'x'.repeat(2 ** 20)}\n\n`);
    const startedAt = performance.now();
    const events = read(
      Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1)),
    );
    expect(events.map(({ data }) => data.length)).toEqual([2 ** 20]);
    // Quadratic would be minutes.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
