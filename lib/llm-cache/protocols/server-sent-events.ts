const CR = 0x0d;
const LF = 0x0a;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Content types of event streams. */
export const SSE_MEDIA_TYPE = /^text\/event-stream\s*(?:;|$)/i;

export interface ServerSentEvent {
  /** Its exact bytes, with the blank line that ends it; those of all events make up the stream. */
  readonly raw: Buffer;
  /** `undefined` where the wire names none. */
  readonly name: string | undefined;
  /** Data lines joined by line feeds; empty in a block of comments. */
  readonly data: string;
}

/**
 * Cuts a byte stream into server-sent events, however it is cut itself.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class ServerSentEvents {
  #parts: Buffer[] = [];
  /** Bytes of the present line, without its end. */
  #lineLength = 0;
  /** Whether the present block has a line that is not blank. */
  #hasLine = false;
  /** A CR has ended a line; a LF right behind it belongs to it. */
  #afterCr = false;
  /** The block has ended with a CR whose LF may still come. */
  #isEnding = false;
  #isFirst = true;

  push(chunk: Uint8Array): ServerSentEvent[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const events: ServerSentEvent[] = [];
    let start = 0;
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index];
      if (this.#isEnding) {
        const end = byte === LF ? index + 1 : index;
        events.push(this.#take(bytes.subarray(start, end)));
        start = end;
        if (byte === LF) continue;
      }
      if (byte === LF && this.#afterCr) {
        this.#afterCr = false;
      } else if (byte === LF || byte === CR) {
        this.#afterCr = byte === CR;
        const isBlank = this.#lineLength === 0;
        this.#lineLength = 0;
        if (!isBlank) this.#hasLine = true;
        else if (this.#hasLine && byte === CR) this.#isEnding = true;
        else if (this.#hasLine) {
          events.push(this.#take(bytes.subarray(start, index + 1)));
          start = index + 1;
        }
      } else {
        this.#afterCr = false;
        this.#lineLength += 1;
      }
    }
    // A copy, because the caller may fill the same buffer again.
    if (start < bytes.length) this.#parts.push(Buffer.from(bytes.subarray(start)));
    return events;
  }

  /** What is left when the stream ends: a block that no blank line has ended. */
  end(): ServerSentEvent | undefined {
    return this.#parts.length === 0 ? undefined : this.#take(Buffer.alloc(0));
  }

  #take(last: Buffer): ServerSentEvent {
    const raw = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#hasLine = false;
    this.#isEnding = false;
    this.#afterCr = false;
    const hasBom = this.#isFirst && raw.subarray(0, BOM.length).equals(BOM);
    this.#isFirst = false;
    return { raw, ...fieldsOf(raw.toString('utf8', hasBom ? BOM.length : 0)) };
  }
}

function fieldsOf(text: string): Pick<ServerSentEvent, 'name' | 'data'> {
  let name: string | undefined;
  const data: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
  return { name: name === '' ? undefined : name, data: data.join('\n') };
}
