import { createHash } from 'node:crypto';
import type { PersonalField } from '../protocols/llm-protocol.interface.js';
import { personalRanges } from '../recording/personal-ranges.js';
import { stopReading, type Chunk } from '../recording/chunk.js';
import type { AnswerHead, LiveAnswer } from '../recording/answer.js';
import { chunkOf } from '../recording/replay.js';
import { unitsOf, type AnswerUnit } from './answer-units.js';
import { LeaderLostError } from './follower.js';

/** What has to be known of a request to tell two answers to it apart. */
export interface ContinuedRequest {
  /** Whether the answer is a stream of server-sent events, whatever its head says. */
  readonly isEventStream: boolean;
  /** What differs between two equal answers. */
  readonly personalFields: readonly PersonalField[];
  /**
   * Asks again, for an answer that has lost its leader.
   *
   * @param left aborted when nobody wants the answer any more
   */
  askAgain(left: AbortSignal): Promise<LiveAnswer>;
}

/** More leaders are not waited for: whatever takes them away is likely to take the next one. */
const MOST_LEADERS = 3;

/**
 * The answer of a leader that may be lost. What comes behind the loss is that of the next call, as
 * long as this one begins with all that was given already, but for ids and times, which stay those
 * of the first. When it does not, the answer is cut: two answers are never mixed.
 */
export function continuedAnswer(first: LiveAnswer, request: ContinuedRequest): LiveAnswer {
  const left = new AbortController();
  const present = { answer: first };
  const pieces = continued(present, request, left.signal);
  const chunks: AsyncIterableIterator<Chunk> = {
    [Symbol.asyncIterator]: () => chunks,
    next: () => pieces.next(),
    // At once, also while a piece or another call is awaited.
    return: async () => {
      left.abort();
      stopReading(present.answer.chunks);
      stopReading(pieces);
      return { done: true, value: undefined };
    },
  };
  return { head: first.head, chunks };
}

async function* continued(
  present: { answer: LiveAnswer },
  request: ContinuedRequest,
  left: AbortSignal,
): AsyncGenerator<Chunk, void> {
  const given = new GivenUnits(request.personalFields);
  const { head } = present.answer;
  try {
    for (let leaders = 1; ; leaders += 1) {
      const { answer } = present;
      const units = unitsOf(answer.head, request.isEventStream, answer.chunks);
      try {
        yield* given.rest(units);
        return;
      } catch (error) {
        if (!(error instanceof LeaderLostError) || leaders === MOST_LEADERS) throw error;
      }
      stopReading(answer.chunks);
      left.throwIfAborted();
      present.answer = await request.askAgain(left);
      if (left.aborted) return;
      if (!isAlike(head, present.answer.head)) throw differs();
      given.startAgain();
    }
  } finally {
    stopReading(present.answer.chunks);
  }
}

const isAlike = (one: AnswerHead, other: AnswerHead): boolean =>
  one.kind === other.kind &&
  one.status === other.status &&
  one.headers['content-type'] === other.headers['content-type'];

const differs = (): Error =>
  new Error('The answer was cut: its leader is gone, and another call answers something else.');

interface GivenUnit {
  /** Digest of all but what is personal: answers may be large. */
  readonly common: string;
  readonly personal: readonly string[];
}

/** What a caller was given, to go on behind it with another answer. */
class GivenUnits {
  readonly #fields: readonly PersonalField[];
  readonly #given: GivenUnit[] = [];
  /** Personal values of the present answer, and those that the caller knows. */
  readonly #known = new Map<string, string>();
  #next = 0;

  constructor(fields: readonly PersonalField[]) {
    this.#fields = fields;
  }

  startAgain(): void {
    this.#next = 0;
    this.#known.clear();
  }

  /** What the caller has not got. */
  async *rest(units: AsyncIterable<AnswerUnit>): AsyncGenerator<Chunk, void> {
    for await (const unit of units) {
      const parts = partsOf(unit, this.#fields);
      const before = this.#given[this.#next];
      this.#next += 1;
      if (before === undefined) {
        const given = parts.map((part) => this.#asKnown(part));
        this.#given.push(givenOf(given));
        yield chunkOf(unit, Buffer.concat(given.map(({ bytes }) => bytes)));
      } else {
        this.#match(before, givenOf(parts));
      }
    }
    if (this.#next < this.#given.length) throw differs();
  }

  #match(before: GivenUnit, now: GivenUnit): void {
    if (before.common !== now.common) throw differs();
    for (const [index, value] of now.personal.entries()) {
      this.#known.set(value, before.personal[index] ?? value);
    }
  }

  #asKnown(part: UnitPart): UnitPart {
    const known = part.isPersonal ? this.#known.get(part.bytes.toString()) : undefined;
    return known === undefined ? part : { ...part, bytes: Buffer.from(known) };
  }
}

interface UnitPart {
  readonly bytes: Buffer;
  readonly isPersonal: boolean;
}

function partsOf({ form, bytes }: AnswerUnit, fields: readonly PersonalField[]): UnitPart[] {
  const parts: UnitPart[] = [];
  let from = 0;
  // The data of an emitted event, the JSON of a server-sent one, or the unit itself.
  const start = form === 'event' ? bytes.indexOf('\n') + 1 : Math.max(0, bytes.indexOf('{'));
  for (const range of personalRanges(bytes.subarray(start), start, fields)) {
    parts.push({ bytes: bytes.subarray(from, range.start), isPersonal: false });
    parts.push({ bytes: bytes.subarray(range.start, range.end), isPersonal: true });
    from = range.end;
  }
  parts.push({ bytes: bytes.subarray(from), isPersonal: false });
  return parts;
}

function givenOf(parts: readonly UnitPart[]): GivenUnit {
  const common = createHash('sha256');
  const personal: string[] = [];
  for (const { bytes, isPersonal } of parts) {
    if (isPersonal) personal.push(bytes.toString());
    common.update(isPersonal ? '\u0000' : bytes);
  }
  return { common: common.digest('base64'), personal };
}
