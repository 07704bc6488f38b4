import { describe, expect, it } from 'vitest';
import type { Frame, PersonalRange } from '../../../lib/llm-cache/recording/entry.js';
import { replay } from '../../../lib/llm-cache/recording/replay.js';

const frameAt = (atMs: number): Frame => ({
  form: 'text',
  bytes: Buffer.from(`at ${atMs}`),
  atMs,
  personal: [],
});

describe('a caller who leaves in a pause of the replay', () => {
  it.each([{ pacing: 'recorded' }, { pacing: { tokensPerSecond: 0.5 } }] as const)(
    'has left at once: $pacing',
    async ({ pacing }) => {
      const pieces = replay([frameAt(0), frameAt(2_000)], { pacing, verbatim: true });
      expect(await pieces.next()).toEqual({ done: false, value: 'at 0' });
      const startedAt = performance.now();
      const pending = pieces.next();
      expect(await pieces.return?.()).toEqual({ done: true, value: undefined });
      expect(await pending).toEqual({ done: true, value: undefined });
      expect(performance.now() - startedAt).toBeLessThan(500);
    },
  );
});

describe('what each caller gets anew', () => {
  /** Each event with its id and time, as their places were recorded. */
  const event = (id: string, more = ''): Frame => {
    const text = `data: {"id":"${id}","created":1700000000,"text":"é"${more}}\n\n`;
    const placeOf = (literal: string, kind: PersonalRange['kind']): PersonalRange => {
      const start = Buffer.byteLength(text.slice(0, text.indexOf(literal)));
      return { start, end: start + literal.length, kind };
    };
    const personal = [placeOf(`"${id}"`, 'id'), placeOf('1700000000', 'time')];
    if (more !== '') personal.push(placeOf('"padded"', 'padding'));
    return { form: 'bytes', bytes: Buffer.from(text), atMs: 0, personal };
  };

  async function replayed(frames: readonly Frame[], inBlocks: boolean): Promise<string> {
    const options = { pacing: 'instant', verbatim: false, name: 'lxyz_1', inBlocks } as const;
    const pieces: Uint8Array[] = [];
    for await (const piece of replay(frames, options)) {
      pieces.push(piece instanceof Uint8Array ? piece : Buffer.from(String(piece)));
    }
    return Buffer.concat(pieces).toString();
  }

  const LONG = 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT';
  const time = String(Number.parseInt('lxyz', 36));

  it.each([
    ['as long as the old one, if that is long', LONG, 29],
    ['of 30 digits, if the old one is short', 'chatcmpl-7', 30],
  ])('is an id %s', async (_what, id, digits) => {
    const text = await replayed([event(id)], false);
    expect(text).toMatch(
      new RegExp(`^data: {"id":"chatcmpl-[0-9a-f]{${digits}}","created":${time},"text":"é"}\n\n$`),
    );
  });

  it.each([
    ['fit in their places', [event(LONG), event(LONG)]],
    ['move what follows', [event('msg_1'), event('msg_1'), event('msg_2')]],
    ['do both', [event(LONG), event('msg_1', ',"obfuscation":"padded"'), event(LONG)]],
  ])('is the same in blocks and frame by frame where values %s', async (_what, frames) => {
    const text = await replayed(frames, true);
    expect(text).toBe(await replayed(frames, false));
    const ids = [...text.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toHaveLength(frames.length);
    const recorded = frames.map(({ bytes }) => /"id":"([^"]+)"/.exec(bytes.toString())?.[1]);
    expect(new Set(ids).size).toBe(new Set(recorded).size);
    expect(
      text
        .split('\n\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line.slice(6)).text),
    ).toEqual(frames.map(() => 'é'));
  });

  it('leaves the recording as it is', async () => {
    const frame = event(LONG);
    const before = frame.bytes.toString();
    await replayed([frame, frame], true);
    expect(frame.bytes.toString()).toBe(before);
  });
});
