import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Copies,
  fromWire,
  sizeOf,
  toWire,
  type Chunk,
  type WireChunk,
} from '../recording/chunk.js';

/** One piece of a body. */
export interface SharedChunk {
  /** As it goes over the wire; `undefined` if it cannot. */
  readonly wire: WireChunk | undefined;
  /** Since the reading began. */
  readonly atMs: number;
}

interface Link extends SharedChunk {
  /** As it came, until the reader that takes originals has it. */
  original: Chunk;
  readonly bytes: number;
  next: Link | undefined;
}

interface Reader {
  /** The last piece that it took. */
  position: Link;
  lagBytes: number;
  isCut: boolean;
}

/** How a body ended: with an `error` when not by itself. */
export type BodyEnd = { readonly error?: unknown };

/** In the place of an original that nobody takes any more. */
const TAKEN = Symbol('taken');

/** Stands for the size of a piece that cannot be told. */
const UNKNOWN_BYTES = 1_024;

/** A reader that fell too far behind the others of one answer was cut off. */
export class SlowReaderError extends Error {
  override readonly name = 'SlowReaderError';
}

/**
 * One body for many readers. Each gets every piece from the first on; the source is read when
 * somebody wants more, so that it waits while all of them are busy.
 *
 * Once the body is larger than `maxBytes`, nobody can join any more, and pieces are let go when
 * all have taken them. From then on the reader that came first is waited for, and others that
 * fall behind by more than `maxBytes` are cut off.
 */
export class SharedChunks {
  /** Whether there is a body: `false` when the source failed before its first piece. */
  readonly begun: Promise<boolean>;
  /** Resolves when the source has ended, whoever still reads. */
  readonly ended: Promise<BodyEnd>;
  readonly #source: AsyncIterator<Chunk>;
  readonly #maxBytes: number;
  readonly #onAbandoned: () => void;
  readonly #startedAt = performance.now();
  /** Of the request that made the answer, whoever reads it. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  readonly #readers = new Set<Reader>();
  readonly #copies = new Copies();
  readonly #copyOf = (bytes: Uint8Array): Buffer => this.#copies.of(bytes);
  #last: Link = { original: TAKEN, wire: undefined, atMs: 0, bytes: 0, next: undefined };
  /** Before the first piece; gone once the body is too large. */
  #start: Link | undefined = this.#last;
  #bytes = 0;
  #received = 0;
  #end: BodyEnd | undefined;
  #reading: Promise<void> | undefined;
  #readIsOver: () => void = () => undefined;
  #settleBegun: (hasBody: boolean) => void = () => undefined;
  #settleEnd: (end: BodyEnd) => void = () => undefined;
  /** Wakes a read that waits for the first reader. */
  #readerMoved: () => void = () => undefined;

  /** @param onAbandoned called when the last reader leaves before the end */
  constructor(source: AsyncIterator<Chunk>, maxBytes: number, onAbandoned: () => void) {
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.#onAbandoned = onAbandoned;
    this.begun = new Promise((resolve) => {
      this.#settleBegun = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#settleEnd = resolve;
    });
  }

  /** Whether all pieces so far are here: who joins now gets the whole body. */
  get isWhole(): boolean {
    return this.#start !== undefined;
  }

  /** Why not all pieces are here any more. */
  get lostBy(): 'too-large' | 'not-json' | undefined {
    if (this.isWhole) return undefined;
    return this.#bytes > this.#maxBytes ? 'too-large' : 'not-json';
  }

  /** Pieces so far. */
  get received(): number {
    return this.#received;
  }

  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  /** All pieces so far; none when the body is too large. */
  *pieces(): Generator<SharedChunk> {
    for (let link = this.#start?.next; link !== undefined; link = link.next) yield link;
  }

  /**
   * A reader from the first piece on; it is waited for from now on.
   *
   * @param takesOriginals for the caller whose request made the answer; others get copies
   * @throws Error when the body is not whole
   */
  read(takesOriginals: boolean): AsyncIterableIterator<Chunk> {
    if (this.#start === undefined) throw new Error('Nobody can join an answer that is too large.');
    const reader: Reader = { position: this.#start, lagBytes: this.#bytes, isCut: false };
    this.#readers.add(reader);
    return new ChunkReader(takesOriginals, {
      next: () => this.#next(reader),
      leave: () => this.#leave(reader),
    });
  }

  /** Reads the first piece though nobody may want it yet. */
  readFirst(): Promise<void> {
    return this.#readOnce();
  }

  /** Reads on though nobody may take the pieces, until the end or the limit. */
  async drain(): Promise<void> {
    while (this.#end === undefined && this.isWhole) await this.#readOnce();
    if (!this.isWhole && this.#readers.size === 0) this.stop();
  }

  /** Stops the source; readers that are still there get an error. */
  stop(error: unknown = new Error('The answer was stopped.')): void {
    if (this.#end !== undefined) return;
    this.#finish({ error });
    // Not awaited: a source that is stuck must not hold anybody up.
    void Promise.resolve(this.#inContext(() => this.#source.return?.())).catch(() => undefined);
  }

  async #next(reader: Reader): Promise<Link | undefined> {
    for (;;) {
      if (reader.isCut) throw new SlowReaderError('Too slow for the other readers of the answer.');
      const { next } = reader.position;
      if (next !== undefined) {
        reader.position = next;
        reader.lagBytes -= next.bytes;
        this.#readerMoved();
        return next;
      }
      if (this.#end !== undefined) {
        this.#leave(reader);
        if ('error' in this.#end) throw this.#end.error;
        return undefined;
      }
      await this.#readOnce();
    }
  }

  #leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.#readerMoved();
    if (this.#readers.size === 0 && this.#end === undefined) this.#onAbandoned();
  }

  /**
   * One read at a time, whoever asks. It is over with the body as well: a source that hangs holds up
   * nobody once it was stopped.
   */
  #readOnce(): Promise<void> {
    this.#reading ??= new Promise((resolve) => {
      this.#readIsOver = () => {
        this.#reading = undefined;
        resolve();
      };
      void this.#readOne();
    });
    return this.#reading;
  }

  async #readOne(): Promise<void> {
    try {
      await this.#waitForFirstReader();
      if (this.#end !== undefined) return;
      const result = await this.#inContext(() => this.#source.next());
      if (result.done === true) this.#finish({});
      else this.#add(result.value);
    } catch (error) {
      this.#finish({ error });
    } finally {
      this.#readIsOver();
    }
  }

  async #waitForFirstReader(): Promise<void> {
    for (;;) {
      const [first] = this.#readers;
      if (this.isWhole || first === undefined || first.lagBytes <= this.#maxBytes) return;
      await new Promise<void>((resolve) => {
        this.#readerMoved = resolve;
      });
    }
  }

  #add(chunk: Chunk): void {
    if (this.#end !== undefined) return;
    const wire = toWire(chunk, this.#copyOf);
    const atMs = Math.round(performance.now() - this.#startedAt);
    // What is no JSON is passed on as it is and not kept.
    const bytes = wire === undefined ? UNKNOWN_BYTES : sizeOf(wire);
    const link: Link = { original: chunk, wire, atMs, bytes, next: undefined };
    this.#last.next = link;
    this.#last = link;
    this.#settleBegun(true);
    this.#bytes += bytes;
    this.#received += 1;
    if (wire === undefined || this.#bytes > this.#maxBytes) this.#start = undefined;
    for (const reader of this.#readers) reader.lagBytes += bytes;
    if (!this.isWhole) this.#cutSlowReaders();
  }

  #cutSlowReaders(): void {
    for (const reader of [...this.#readers].slice(1)) {
      if (reader.lagBytes <= this.#maxBytes) continue;
      reader.isCut = true;
      this.#readers.delete(reader);
    }
  }

  #finish(end: BodyEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#settleBegun(!('error' in end));
    this.#settleEnd(end);
    this.#readIsOver();
    this.#readerMoved();
  }
}

interface WayThroughBody {
  next(): Promise<Link | undefined>;
  leave(): void;
}

/** Lets go of the body at its end: Nest keeps the last stream of each connection that idles. */
class ChunkReader implements AsyncIterableIterator<Chunk> {
  readonly #takesOriginals: boolean;
  #way: WayThroughBody | undefined;

  constructor(takesOriginals: boolean, way: WayThroughBody) {
    this.#takesOriginals = takesOriginals;
    this.#way = way;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Chunk>> {
    try {
      const link = await this.#way?.next();
      if (link !== undefined) {
        return { done: false, value: this.#takesOriginals ? takeOriginal(link) : copyOf(link) };
      }
      this.#way = undefined;
      return { done: true, value: undefined };
    } catch (error) {
      this.#way = undefined;
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Chunk>> {
    this.#way?.leave();
    this.#way = undefined;
    return { done: true, value: undefined };
  }
}

function takeOriginal(link: Link): Chunk {
  const { original, wire } = link;
  if (original === TAKEN) return copyOf(link);
  // The copy is enough from now on.
  if (wire !== undefined) link.original = TAKEN;
  return original;
}

const copyOf = ({ original, wire }: Link): Chunk =>
  wire === undefined ? original : fromWire(wire);
