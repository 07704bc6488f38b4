import { describe, expect, it } from 'vitest';
import {
  CommandSplitter,
  type ClientCommand,
} from '../../../lib/testing/front-door/command-splitter.js';
import { seededRandom } from './seeded-random.js';

const encode = (...args: (string | Buffer)[]): Buffer =>
  Buffer.concat([
    Buffer.from(`*${args.length}\r\n`),
    ...args.flatMap((arg) => {
      const bytes = Buffer.from(arg);
      return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
    }),
  ]);

function split(chunks: readonly Buffer[]): { name: string; args: string[]; bytes: Buffer }[] {
  const splitter = new CommandSplitter();
  const found: { name: string; args: string[]; bytes: Buffer }[] = [];
  for (const chunk of chunks) {
    splitter.push(chunk, (command: ClientCommand) => {
      const args = command.args().map((arg) => arg.toString('latin1'));
      found.push({ name: command.name, args, bytes: Buffer.from(command.bytes) });
    });
  }
  return found;
}

function cut(bytes: Buffer, size: () => number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + size());
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

describe('the command splitter', () => {
  it('finds the same commands wherever the network cuts the stream', () => {
    const random = seededRandom(20_261_123);
    for (let round = 0; round < 300; round += 1) {
      const sent = Array.from({ length: 1 + random.below(8) }, () => {
        const args = Array.from({ length: random.below(5) }, () => random.bytes(random.below(400)));
        return { name: random.pick(['get', 'SET', 'Auth', 'HELLO', 'x']), args };
      });
      const bytes = Buffer.concat(sent.map(({ name, args }) => encode(name, ...args)));
      const largest = random.pick([1, 2, 7, 64, 5_000]);
      const found = split(cut(bytes, () => 1 + random.below(largest)));
      expect(found.map(({ name }) => name)).toEqual(sent.map(({ name }) => name.toUpperCase()));
      expect(found.map(({ args }) => args)).toEqual(
        sent.map(({ args }) => args.map((arg) => arg.toString('latin1'))),
      );
      expect(Buffer.concat(found.map((command) => command.bytes)).equals(bytes)).toBe(true);
    }
  });

  it('gives a command when its last byte came, not before', () => {
    const bytes = encode('SET', 'key', 'value');
    for (let at = 1; at < bytes.length; at += 1) {
      expect(split([bytes.subarray(0, at)])).toEqual([]);
      expect(split([bytes.subarray(0, at), bytes.subarray(at)])).toHaveLength(1);
    }
  });

  it('takes a large value in many chunks, and many arguments', () => {
    const value = Buffer.alloc(64 * 1024 * 1024, 'a');
    const many = encode('MSET', ...Array.from({ length: 100_000 }, (_, index) => `key-${index}`));
    const found = split(cut(Buffer.concat([encode('SET', 'key', value), many]), () => 65_536));
    expect(found.map(({ args }) => args.length)).toEqual([2, 100_000]);
    expect(found[0]?.args[1]).toHaveLength(value.length);
  });

  it('reads inline commands and empty ones', () => {
    const bytes = Buffer.from('PING\r\n\r\n auth  me token \n*0\r\n*-1\r\nquit\r\n');
    expect(split([bytes]).map(({ name, args }) => [name, ...args])).toEqual([
      ['PING'],
      [''],
      ['AUTH', 'me', 'token'],
      [''],
      [''],
      ['QUIT'],
    ]);
  });

  it.each([
    ['a count that is no number', '*x\r\n$4\r\nPING\r\n'],
    ['a count without limit', '*99999999999\r\n'],
    ['a length that is no number', '*1\r\n$x\r\nPING\r\n'],
    ['a negative length', '*1\r\n$-1\r\n'],
    ['a length over 512 MB', '*1\r\n$536870913\r\n'],
    ['no length', '*1\r\nPING\r\n'],
    ['a line without end', 'x'.repeat(70_000)],
  ])('hands on %s as it came, and all bytes after it', (_, broken) => {
    const rest = encode('AUTH', 'me', 'token');
    const found = split([Buffer.from(broken), rest]);
    expect(found.map(({ name }) => name)).toEqual(found.map(() => ''));
    expect(Buffer.concat(found.map(({ bytes }) => bytes)).toString()).toBe(
      broken + rest.toString(),
    );
  });
});
