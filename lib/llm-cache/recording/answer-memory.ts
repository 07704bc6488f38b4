import type { JsonObject } from '../json-object.js';
import type { UnstorableReason } from '../policy/storable.js';
import type { LiveAnswer } from './answer.js';
import type { Entry } from './entry.js';
import type { RecordedAnswers } from './recorded-answers.js';

/** Asks the handler or the upstream; with a body of its own in the place of the caller's. */
export type Ask = (instead?: JsonObject) => Promise<LiveAnswer | UnstorableReason>;

/** Where the answer to one request is kept: as a whole, or in parts. */
export interface AnswerMemory {
  find(): Promise<Entry | undefined>;
  /** Asks for what was not found. */
  call(ask: Ask): Promise<LiveAnswer | UnstorableReason>;
  /** Resolves when Redis has confirmed, or will not; never rejects. */
  record(entry: Entry): Promise<void>;
  /** @returns whether there was anything */
  delete(): Promise<boolean>;
  /** Whether some parts of the answer were found. */
  readonly isPartial: boolean;
  /** Whether `call` has put its answer together anew. */
  readonly isRebuilt: boolean;
}

/** An answer under the key of its request. */
export function wholeAnswer(answers: RecordedAnswers, key: string): AnswerMemory {
  return {
    find: () => answers.find(key),
    call: (ask) => ask(),
    record: (entry) => answers.record(key, entry),
    delete: () => answers.delete(key),
    isPartial: false,
    isRebuilt: false,
  };
}
