import type { AnswerLimits, AnswerRequest } from './answer-request.interface.js';
import type { GoneSignal } from './gone-signal.js';
import type { JsonObject } from './json-object.js';
import type { LlmCacheParts } from './llm-cache-parts.js';
import type { Lookup } from './lookup-plan.js';
import type { Staleness } from './policy/freshness.js';
import type { UnstorableReason } from './policy/storable.js';
import { PreparedRequest, type RequestAtDoor } from './prepared-request.js';
import type { LiveAnswer } from './recording/answer.js';
import { readResponse } from './recording/read-answer.js';

export interface FetchAnswerRequestParts extends RequestAtDoor {
  readonly parts: LlmCacheParts;
  readonly lookup: Lookup;
  readonly options: AnswerLimits & Staleness & { readonly shadow: boolean };
  readonly gone: GoneSignal;
  readonly ttlMs: () => number | undefined;
  /** Asks the upstream. */
  ask(stop: AbortSignal, instead?: JsonObject): Promise<Response>;
}

/** A request to an upstream, or one like it that is made for others. */
export class FetchAnswerRequest extends PreparedRequest implements AnswerRequest {
  readonly limits: AnswerLimits;
  readonly staleness: Staleness;
  readonly isShadow: boolean;
  readonly resumes = undefined;
  readonly gone: GoneSignal;
  readonly canCallLate = true;
  /** What the upstream answered. */
  original: Response | undefined;
  readonly #from: FetchAnswerRequestParts;

  constructor(from: FetchAnswerRequestParts) {
    super(from.parts, from.lookup, from);
    this.#from = from;
    this.limits = from.options;
    this.staleness = from.options;
    this.isShadow = from.options.shadow;
    this.gone = from.gone;
  }

  async ttlMs(): Promise<number | undefined> {
    return this.controls.ttlMs ?? this.#from.ttlMs();
  }

  async call(stop: AbortSignal, instead?: JsonObject): Promise<LiveAnswer | UnstorableReason> {
    this.original = await this.#from.ask(stop, instead);
    return readResponse(this.original);
  }

  detached(gone: GoneSignal): AnswerRequest {
    const options = { ...this.#from.options, onDisconnect: 'abort' } as const;
    return new FetchAnswerRequest({ ...this.#from, options, gone });
  }
}
