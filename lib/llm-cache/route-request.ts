import type { AnswerLimits, AnswerRequest, ResumedAnswer } from './answer-request.interface.js';
import type { GoneSignal } from './gone-signal.js';
import type { JsonObject } from './json-object.js';
import type { LlmCacheParts } from './llm-cache-parts.js';
import type { Lookup } from './lookup-plan.js';
import type { Staleness } from './policy/freshness.js';
import type { UnstorableReason } from './policy/storable.js';
import { PreparedRequest } from './prepared-request.js';
import type { LiveAnswer } from './recording/answer.js';
import { AS_IT_CAME, type EventPosition } from './resuming/event-position.js';
import type { RouteCall } from './route-door.js';

type Answer = Promise<LiveAnswer | UnstorableReason>;

/** Asks the handler of a route. */
export interface RouteHandler {
  ask(stop: AbortSignal, instead?: JsonObject): Answer;
  /** For others: the caller has got an answer, or a part of it. */
  askLate(stop: AbortSignal, instead?: JsonObject): Answer;
}

export interface RouteRequestParts {
  readonly parts: LlmCacheParts;
  readonly lookup: Lookup;
  readonly call: RouteCall;
  readonly handler: RouteHandler;
  /** From where on the caller wants the rest of an event stream. */
  readonly position: EventPosition | undefined;
  readonly ttlMs: () => Promise<number | undefined>;
}

/** A request to a route, or one like it that is made for others. */
export class RouteRequest extends PreparedRequest implements AnswerRequest {
  readonly limits: AnswerLimits;
  readonly staleness: Staleness;
  readonly isShadow: boolean;
  readonly resumes: ResumedAnswer | undefined;
  readonly canCallLate: boolean;
  readonly #from: RouteRequestParts;
  readonly #goneOfOthers: GoneSignal | undefined;

  /** @param goneOfOthers aborted when none of those is left that it is made for */
  constructor(from: RouteRequestParts, goneOfOthers?: GoneSignal) {
    const { parts, lookup, call, position } = from;
    const { http, route } = call;
    super(parts, lookup, {
      route: route.name,
      isNear: route.options.near,
      // What a handler writes by itself cannot be put together from parts.
      headOfHit:
        route.answers === 'returned'
          ? { kind: 'value', status: http.status, headers: {} }
          : undefined,
    });
    this.#from = from;
    this.#goneOfOthers = goneOfOthers;
    this.limits =
      goneOfOthers === undefined ? route.options : { ...route.options, onDisconnect: 'abort' };
    this.staleness = route.staleness;
    this.isShadow = route.options.shadow;
    this.resumes = position && {
      id: position.answer,
      isAsItCame: position.replay === AS_IT_CAME,
    };
    this.canCallLate = route.answers !== 'raw';
  }

  get gone(): GoneSignal {
    return this.#goneOfOthers ?? this.#from.call.http.gone;
  }

  async ttlMs(): Promise<number | undefined> {
    return this.controls.ttlMs ?? this.#from.ttlMs();
  }

  async call(stop: AbortSignal, instead?: JsonObject): Answer {
    const { handler } = this.#from;
    return this.#goneOfOthers === undefined
      ? handler.ask(stop, instead)
      : handler.askLate(stop, instead);
  }

  answered(): Promise<void> {
    return this.#from.call.http.isOver();
  }

  detached(gone: GoneSignal): AnswerRequest {
    return new RouteRequest(this.#from, gone);
  }
}
