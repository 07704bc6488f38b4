/** One client command, with its bytes exactly as they came. */
export interface ClientCommand {
  readonly bytes: Buffer;
  /** Upper case; empty for bytes that are no command. */
  readonly name: string;
  /** The arguments after the name. */
  args(): Buffer[];
}

const CR = 13;
const LF = 10;
const ASTERISK = 42;
const DOLLAR = 36;

/** Limits of Redis itself; beyond them it answers with a protocol error and hangs up. */
const MAX_LINE_BYTES = 64 * 1024;
const MAX_BULK_BYTES = 512 * 1024 * 1024;
const MAX_ARGUMENTS = 1024 * 1024;

/**
 * Cuts the bytes that a client sends at the boundaries of its commands, wherever the network cut
 * them. What is not RESP is handed on as it is, because Redis knows best what to answer.
 */
export class CommandSplitter {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Parsing makes no progress before this many bytes are there. */
  #wanted = 1;
  /** Where parsing of the unfinished command goes on, relative to its first byte. */
  #position = 0;
  #argumentsLeft = 0;
  /** Start and end of each argument, relative to the first byte of the command. */
  #bounds: number[] = [];
  #isBroken = false;

  push(chunk: Buffer, onCommand: (command: ClientCommand) => void): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length);
    while (bytes.length > 0) {
      const end = this.#isBroken ? bytes.length : this.#endOfCommand(bytes);
      if (end === undefined) break;
      onCommand(new SplitCommand(bytes.subarray(0, end), this.#bounds));
      bytes = bytes.subarray(end);
      this.#position = 0;
      this.#bounds = [];
    }
    this.#chunks = bytes.length > 0 ? [bytes] : [];
    this.#length = bytes.length;
    if (bytes.length === 0) this.#wanted = 1;
  }

  /** The length of the first command, or `undefined` when its end has not come yet. */
  #endOfCommand(bytes: Buffer): number | undefined {
    if (this.#position === 0) {
      const end = this.#endOfLine(bytes);
      if (end === undefined || this.#isBroken) return end;
      if (bytes[0] !== ASTERISK) {
        this.#bounds = wordBounds(bytes, end);
        return end;
      }
      const count = integer(bytes, 1, end - 2);
      if (count === undefined || count > MAX_ARGUMENTS) return this.#handOn(bytes);
      this.#argumentsLeft = Math.max(count, 0);
      this.#position = end;
    }
    while (this.#argumentsLeft > 0) {
      const end = this.#endOfLine(bytes);
      if (end === undefined || this.#isBroken) return end;
      const size = integer(bytes, this.#position + 1, end - 2);
      if (bytes[this.#position] !== DOLLAR || size === undefined || size < 0) {
        return this.#handOn(bytes);
      }
      if (size > MAX_BULK_BYTES) return this.#handOn(bytes);
      if (bytes.length < end + size + 2) return this.#await(end + size + 2);
      this.#bounds.push(end, end + size);
      this.#position = end + size + 2;
      this.#argumentsLeft -= 1;
    }
    return this.#position;
  }

  /** Just behind the line break of the line at the current position. */
  #endOfLine(bytes: Buffer): number | undefined {
    const lineFeed = bytes.indexOf(LF, this.#position);
    if (lineFeed >= 0) return lineFeed + 1;
    if (bytes.length - this.#position > MAX_LINE_BYTES) return this.#handOn(bytes);
    return this.#await(bytes.length + 1);
  }

  #await(length: number): undefined {
    this.#wanted = length;
  }

  #handOn(bytes: Buffer): number {
    this.#isBroken = true;
    this.#bounds = [];
    return bytes.length;
  }
}

class SplitCommand implements ClientCommand {
  readonly #bounds: readonly number[];

  constructor(
    readonly bytes: Buffer,
    bounds: readonly number[],
  ) {
    this.#bounds = bounds;
  }

  get name(): string {
    const [start = 0, end = 0] = this.#bounds;
    return this.bytes.toString('latin1', start, end).toUpperCase();
  }

  args(): Buffer[] {
    const found: Buffer[] = [];
    for (let index = 2; index < this.#bounds.length; index += 2) {
      found.push(this.bytes.subarray(this.#bounds[index], this.#bounds[index + 1]));
    }
    return found;
  }
}

/** An inline command, as typed into a terminal: words between spaces. */
function wordBounds(bytes: Buffer, end: number): number[] {
  const line = bytes.toString('latin1', 0, end);
  return [...line.matchAll(/\S+/g)].flatMap(({ index, 0: word }) => [index, index + word.length]);
}

/** A decimal between two positions, or `undefined`. */
function integer(bytes: Buffer, start: number, end: number): number | undefined {
  const text = bytes.toString('latin1', start, end);
  return bytes[end] === CR && /^-?\d{1,10}$/.test(text) ? Number(text) : undefined;
}
