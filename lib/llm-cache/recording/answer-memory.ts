import type { JsonObject } from '../json-object.js';
import type { UnstorableReason } from '../policy/storable.js';
import type { LiveAnswer } from './answer.js';
import type { Entry } from './entry.js';
import type { RecordedAnswers } from './recorded-answers.js';

/** Asks the handler or the upstream; with a body of its own in the place of the caller's. */
export type Ask = (instead?: JsonObject) => Promise<LiveAnswer | UnstorableReason>;

/** Where the answer to one request is kept: as a whole, or in parts. */
export interface AnswerMemory {
  /** Under which Redis has the answer, if it is kept as a whole. */
  readonly name: string | undefined;
  find(): Promise<Entry | undefined>;
  /** What this process remembers, without asking Redis. */
  findNear?(): Entry | undefined;
  /**
   * Asks for what was not found.
   *
   * @param isPassedOn all is asked for, and the answer given as it came
   */
  call(ask: Ask, isPassedOn?: boolean): Promise<LiveAnswer | UnstorableReason>;
  /**
   * Resolves when Redis has confirmed, or will not; never rejects.
   *
   * @param keptMs how long it is kept: longer than it is fresh, when it may be given stale
   */
  record(entry: Entry, keptMs: number): Promise<void>;
  /** @returns whether there was anything */
  delete(): Promise<boolean>;
  /** Whether each part has an age of its own. */
  readonly isInParts: boolean;
  /** Whether some parts of the answer were found. */
  readonly isPartial: boolean;
  /** Whether `call` has put its answer together anew. */
  readonly isRebuilt: boolean;
}

/** An answer under the key of its request. */
export function wholeAnswer(answers: RecordedAnswers, key: string): AnswerMemory {
  return {
    name: answers.nameOf(key),
    find: () => answers.find(key),
    call: (ask) => ask(),
    record: (entry, keptMs) => answers.record(key, entry, keptMs),
    delete: () => answers.delete(key),
    isInParts: false,
    isPartial: false,
    isRebuilt: false,
  };
}
