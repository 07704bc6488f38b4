import { parseJson } from '../json-object.js';
import { isOriginatedHead, type OriginatedHead } from '../recording/answer.js';
import { bytesOf, type WireChunk } from '../recording/chunk.js';

/**
 * What the log of an answer is made of: its head, its pieces, and how it ended. `failed`: there is
 * no answer, another call may bring one; `unshareable`: only the leader can give it; `cut`: it
 * failed behind its beginning.
 */
export type FlightRecord =
  | { readonly kind: 'head'; readonly head: OriginatedHead }
  | { readonly kind: 'piece'; readonly wire: WireChunk }
  | { readonly kind: 'end' | 'failed' | 'unshareable' | 'cut' };

const LETTERS = {
  head: 'h',
  text: 't',
  bytes: 'b',
  json: 'j',
  end: 'e',
  failed: 'f',
  unshareable: 'u',
  cut: 'c',
} as const;

/** A letter, and what belongs to it. */
export function encodeRecord(record: FlightRecord): Buffer {
  switch (record.kind) {
    case 'head':
      return Buffer.from(LETTERS.head + JSON.stringify(record.head));
    case 'piece':
      return Buffer.concat([Buffer.from(LETTERS[record.wire.form]), bytesOf(record.wire)]);
    default:
      return Buffer.from(LETTERS[record.kind]);
  }
}

/** `undefined` for what no version of ours has written. */
export function decodeRecord(bytes: Buffer): FlightRecord | undefined {
  const letter = bytes.toString('latin1', 0, 1);
  const rest = bytes.subarray(1);
  switch (letter) {
    case LETTERS.head:
      return decodeHead(rest.toString());
    case LETTERS.text:
      return { kind: 'piece', wire: { form: 'text', text: rest.toString() } };
    case LETTERS.bytes:
      return { kind: 'piece', wire: { form: 'bytes', bytes: rest } };
    case LETTERS.json:
      return { kind: 'piece', wire: { form: 'json', text: rest.toString() } };
    case LETTERS.end:
      return { kind: 'end' };
    case LETTERS.failed:
      return { kind: 'failed' };
    case LETTERS.unshareable:
      return { kind: 'unshareable' };
    case LETTERS.cut:
      return { kind: 'cut' };
    default:
      return undefined;
  }
}

function decodeHead(text: string): FlightRecord | undefined {
  const head = parseJson(text);
  return isOriginatedHead(head) ? { kind: 'head', head } : undefined;
}
