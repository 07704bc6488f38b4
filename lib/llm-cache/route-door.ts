import {
  GatewayTimeoutException,
  PreconditionFailedException,
  type CallHandler,
} from '@nestjs/common';
import { from, lastValueFrom, of, type Observable, type Subscription } from 'rxjs';
import type { Served } from './answer-request.interface.js';
import type { CachedRoute } from './cached-route.js';
import type { HttpExchange } from './http-exchange.js';
import type { JsonObject } from './json-object.js';
import type { LlmCacheService } from './llm-cache.service.js';
import type { Lookup } from './lookup-plan.js';
import { cacheStatusHeaders, type CacheOutcome } from './policy/cache-status.js';
import { isPlainJson, type UnstorableReason } from './policy/storable.js';
import { isKnownStream } from './protocols/protocols.js';
import {
  isByteStream,
  type AnswerHead,
  type LiveAnswer,
  type OriginatedHead,
} from './recording/answer.js';
import type { Chunk } from './recording/chunk.js';
import { giveAnswer, toObservable } from './recording/give-answer.js';
import { PushedChunks } from './recording/pushed-chunks.js';
import { readAnswer, type ResponseState } from './recording/read-answer.js';
import { recordRawResponse } from './recording/record-raw-response.js';
import { replay, replayValue } from './recording/replay.js';
import {
  AS_IT_CAME,
  eventId,
  newReplay,
  readEventId,
  type EventPosition,
} from './resuming/event-position.js';
import { RouteRequest, type RouteHandler } from './route-request.js';
import { hasEvents, numberedEvents } from './resuming/numbered-events.js';

/** One request to a route. */
export interface RouteCall {
  readonly http: HttpExchange;
  readonly next: CallHandler;
  readonly route: CachedRoute;
  /** What to answer for JSON that nobody wants to see parsed; `undefined` if somebody does. */
  readonly unchanged: (json: Buffer) => Buffer | string | undefined;
}

type FromCache = Extract<Served, { from: 'cache' }>;
type FromHandler = Extract<Served, { from: 'handler' }>;
type Own = Extract<FromHandler, { isCollapsed: false }>;

/** The door for one request to a Nest route: asks its handler, or answers in its place. */
export class RouteDoor implements RouteHandler {
  readonly #cache: LlmCacheService;
  readonly #call: RouteCall;
  readonly #request: RouteRequest;
  readonly #lookup: Lookup;
  /** From where on the caller wants the rest of an event stream. */
  readonly #position: EventPosition | undefined;
  /** Why the request is a miss. */
  #explanation: string | undefined;
  /** What the handler returned. */
  #original: unknown;
  /** Settles with the handler, whose errors belong to the exception filters. */
  #handled: Promise<unknown> = Promise.resolve();

  constructor(
    cache: LlmCacheService,
    call: RouteCall,
    lookup: Lookup,
    ttlMs: () => Promise<number | undefined>,
  ) {
    const { parts } = cache;
    const { http, route } = call;
    this.#cache = cache;
    this.#call = call;
    this.#lookup = lookup;
    const { resumable, shadow } = route.options;
    const isResumed = resumable && !shadow;
    this.#position = isResumed ? readEventId(http.headers['last-event-id']) : undefined;
    const position = this.#position;
    this.#request = new RouteRequest({ parts, lookup, call, handler: this, position, ttlMs });
  }

  /** Throws what the handler throws. */
  async answer(): Promise<Observable<unknown>> {
    const served = await this.#serve();
    switch (served.from) {
      case 'cache':
        return this.#giveRecorded(served);
      case 'handler':
        return served.isCollapsed ? this.#giveShared(served) : this.#giveOwn(served);
      case 'handler-only':
        this.#tellMiss(served.reason);
        return this.#call.route.answers === 'raw' ? from(this.#handled) : of(this.#original);
      case 'nobody':
        return of(undefined);
      case 'nowhere':
        this.#tell({ kind: 'miss' });
        throw this.#position === undefined
          ? new GatewayTimeoutException('No cached answer to this request.')
          : new PreconditionFailedException(
              'The answer that this Last-Event-ID belongs to is gone. Ask again without it.',
            );
    }
  }

  /** Nest would log that a caller has gone who waited for somebody else's answer. */
  async #serve(): Promise<Served | { readonly from: 'nobody' }> {
    try {
      return await this.#cache.answers.serve(this.#request);
    } catch (error) {
      if (this.#request.gone.aborted) return { from: 'nobody' };
      throw error;
    }
  }

  #giveRecorded({ entry, isStale }: FromCache): Observable<unknown> {
    const { head, frames, storedAtMs, ttlMs } = entry;
    this.#begin(head, { kind: 'hit', ageMs: Date.now() - storedAtMs, ttlMs, isStale });
    const { verbatim } = this.#call.route.options;
    if (head.kind === 'value') {
      const value = replayValue(frames, verbatim, this.#call.unchanged);
      return of(value);
    }
    const name = this.#position?.replay ?? newReplay();
    const isVerbatim = verbatim || name === AS_IT_CAME;
    // Who resumes does not wait once more for what was given before.
    const pacing = this.#position === undefined ? this.#call.route.options.pacing : 'instant';
    const chunks = replay(frames, {
      pacing,
      verbatim: isVerbatim,
      name,
      inBlocks: isByteStream(head),
    });
    return this.#give(head, this.#numbered(head, chunks, isVerbatim ? AS_IT_CAME : name));
  }

  /** The answer of somebody else's call. */
  async #giveShared({ head, chunks }: FromHandler): Promise<Observable<unknown>> {
    this.#begin(head, { kind: 'miss', isCollapsed: true });
    return head.kind === 'value'
      ? of(await onlyChunk(chunks))
      : this.#give(head, this.#numbered(head, chunks, AS_IT_CAME));
  }

  /** The answer of the request's own handler. */
  async #giveOwn({ head, chunks, recorded }: Own): Promise<Observable<unknown>> {
    switch (head.kind) {
      case 'value': {
        const value = await onlyChunk(chunks);
        this.#tellMiss(await recorded);
        return of(value);
      }
      case 'raw':
        void readToEnd(chunks);
        return from(this.#handled);
      case 'events':
        return toObservable(this.#numbered(head, chunks, AS_IT_CAME));
      default: {
        const original = this.#request.memory.isRebuilt ? undefined : this.#original;
        return of(giveAnswer(head, this.#numbered(head, chunks, AS_IT_CAME), original));
      }
    }
  }

  /** With ids for the events, and only what the caller has not got, on a route that can resume. */
  #numbered(
    head: OriginatedHead,
    chunks: AsyncIterableIterator<Chunk>,
    replayed: string,
  ): AsyncIterableIterator<Chunk> {
    const { protocol, body } = this.#request;
    const isStream = hasEvents(head) || isKnownStream(protocol, body);
    if (!this.#call.route.options.resumable || !isStream) return chunks;
    const answer = head.origin.id;
    const idOf = (event: number): string => eventId({ answer, replay: replayed, event });
    return numberedEvents(head, chunks, idOf, this.#position?.event ?? -1);
  }

  #give(head: AnswerHead, chunks: AsyncIterableIterator<Chunk>): Observable<unknown> {
    if (head.kind === 'events') return toObservable(chunks);
    const answer = giveAnswer(head, chunks);
    if (head.kind !== 'raw') return of(answer);
    this.#call.http.reply(answer, head.status);
    return of(undefined);
  }

  async ask(stop: AbortSignal, instead?: JsonObject): Promise<LiveAnswer | UnstorableReason> {
    const { http, route } = this.#call;
    stop.throwIfAborted();
    if (instead !== undefined) http.replaceBody(instead);
    this.#explanation = await this.#cache.parts.explainToCaller(this.#lookup);
    // Before the handler, which may send them.
    this.#tellMiss();
    switch (route.answers) {
      case 'returned': {
        this.#original = await this.#askForReturned(stop);
        return http.isSent ? 'sent' : this.#read(this.#original, http);
      }
      case 'events':
        return this.#askForEvents(stop);
      case 'raw':
        return this.#askForRaw();
    }
  }

  async askLate(stop: AbortSignal, instead?: JsonObject): Promise<LiveAnswer | UnstorableReason> {
    const { http, route } = this.#call;
    stop.throwIfAborted();
    if (instead !== undefined) http.replaceBody(instead);
    if (route.answers === 'events') return this.#askForEvents(stop);
    const returned = await this.#askForReturned(stop);
    // The encoding is that of what has been sent.
    const header = (name: string): string | undefined =>
      name === 'content-encoding' ? undefined : http.header(name);
    return this.#read(returned, { status: http.status, header });
  }

  #read(returned: unknown, state: ResponseState): LiveAnswer | UnstorableReason {
    const isPrivate = /(^|[\s,])private([\s,=]|$)/i.test(state.header('cache-control') ?? '');
    if (isPrivate && this.#lookup.principal === 'public') return 'forbidden';
    return readReturned(returned, state);
  }

  /** The last value; throws as soon as `stop` is aborted. */
  #askForReturned(stop: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let last: unknown;
      const onStop = (): void => {
        subscription?.unsubscribe();
        reject(stop.reason);
      };
      stop.addEventListener('abort', onStop, { once: true });
      const isOver = (): void => stop.removeEventListener('abort', onStop);
      let subscription: Subscription | undefined;
      subscription = this.#call.next.handle().subscribe({
        next: (value: unknown) => {
          last = value;
        },
        error: (error: unknown) => {
          isOver();
          reject(error);
        },
        complete: () => {
          isOver();
          resolve(last);
        },
      });
      // By the handler itself.
      if (stop.aborted) subscription.unsubscribe();
    });
  }

  #askForEvents(stop: AbortSignal): LiveAnswer {
    const { http, next } = this.#call;
    const chunks: PushedChunks = new PushedChunks(() => subscription.unsubscribe());
    const subscription = next.handle().subscribe({
      next: (event) => chunks.push(event),
      error: (error: unknown) => chunks.fail(error),
      complete: () => chunks.end(),
    });
    stop.addEventListener(
      'abort',
      () => {
        chunks.fail(stop.reason);
        subscription.unsubscribe();
      },
      { once: true },
    );
    const groups = http.header('cache-groups');
    const headers = groups === undefined ? {} : { 'cache-groups': groups };
    return { head: { kind: 'events', status: http.status, headers }, chunks };
  }

  #askForRaw(): Promise<LiveAnswer> | UnstorableReason {
    const { http, next } = this.#call;
    const { serverResponse } = http;
    const recording = serverResponse && recordRawResponse(serverResponse);
    this.#handled = lastValueFrom(next.handle(), { defaultValue: undefined });
    if (recording === undefined) return 'stream';
    // What an exception filter writes then is no answer.
    this.#handled.catch((error: unknown) => recording.fail(error));
    return recording.answer;
  }

  #begin({ status, headers }: AnswerHead, outcome: CacheOutcome): void {
    const { http, route } = this.#call;
    if (route.answers === 'events') return;
    http.setHeaders(headers);
    http.setStatus(status);
    this.#tell(outcome);
  }

  #tellMiss(result?: string): void {
    const explanation = this.#explanation;
    if (this.#request.isShadow) this.#tell({ kind: 'bypass', detail: 'shadow' });
    else this.#tell({ kind: 'miss', why: this.#why, result, explanation });
  }

  /** Nest sends the headers of events while the cache still looks: nothing can be told in them. */
  #tell(outcome: CacheOutcome): void {
    const { http, route } = this.#call;
    if (route.answers !== 'events') http.setHeaders(cacheStatusHeaders(outcome));
  }

  get #why(): 'miss' | 'request' | 'partial' {
    const { controls, memory } = this.#request;
    if (controls.noCache) return 'request';
    return memory.isPartial ? 'partial' : 'miss';
  }
}

function readReturned(returned: unknown, state: ResponseState): LiveAnswer | UnstorableReason {
  if (returned === undefined || returned === null) return 'no-value';
  const live = readAnswer(returned, state);
  const isValue = typeof live === 'object' && live.head.kind === 'value';
  return isValue && !isPlainJson(returned) ? 'not-json' : live;
}

async function onlyChunk(chunks: AsyncIterator<Chunk>): Promise<Chunk> {
  const { value }: { value?: Chunk } = await chunks.next();
  // To its end, which settles what becomes of it.
  await chunks.next();
  return value;
}

async function readToEnd(chunks: AsyncIterator<Chunk>): Promise<void> {
  try {
    while ((await chunks.next()).done !== true);
  } catch {
    // Whoever wrote it has been told.
  }
}
