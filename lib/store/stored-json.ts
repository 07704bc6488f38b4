const START = '{"value":';
const EXPIRES = ',"expires":';
/** Digits of a Unix time in milliseconds, and the brace behind them. */
const MAX_TAIL = 20;
/** Nothing, to the stock interceptor. */
const NULL = Buffer.from('null');
/** How `@keyv/serialize` marks what is no JSON as it stands: escaped texts, and bytes. */
const MARKS = ['"::', '":base64:'] as const;

/** A value of Keyv as it lies in Redis, not parsed yet. */
export class StoredJson {
  /** The JSON text of the value. */
  readonly bytes: Buffer;
  /** Unix time in milliseconds. */
  readonly expiresAtMs: number;

  private constructor(bytes: Buffer, expiresAtMs: number) {
    this.bytes = bytes;
    this.expiresAtMs = expiresAtMs;
  }

  /** @returns `undefined` for what Keyv has to read by itself */
  static read(envelope: Buffer): StoredJson | undefined {
    if (envelope.toString('latin1', 0, START.length) !== START) return undefined;
    const tailStart = Math.max(START.length, envelope.length - EXPIRES.length - MAX_TAIL);
    const tail = envelope.toString('latin1', tailStart);
    const [, before = '', expires] = /^(.*),"expires":(\d+)\}$/s.exec(tail) ?? [];
    if (expires === undefined) return undefined;
    if (MARKS.some((mark) => envelope.includes(mark, START.length))) return undefined;
    const bytes = envelope.subarray(START.length, tailStart + before.length);
    return bytes.equals(NULL) ? undefined : new StoredJson(bytes, Number(expires));
  }

  /** @throws a SyntaxError for what is no JSON */
  parse(): unknown {
    return JSON.parse(this.bytes.toString());
  }
}
