import { GatewayTimeoutException, type CallHandler } from '@nestjs/common';
import { from, fromEvent, lastValueFrom, of, takeUntil, type Observable } from 'rxjs';
import type { AnswerRequest, Served } from './answer-request.interface.js';
import type { HttpExchange } from './http-exchange.js';
import type { JsonObject } from './json-object.js';
import type { LlmCacheService } from './llm-cache.service.js';
import type { Lookup } from './lookup-plan.js';
import { cacheStatusHeaders, type CacheOutcome } from './policy/cache-status.js';
import { isPlainJson, type UnstorableReason } from './policy/storable.js';
import type { AnswerHead, LiveAnswer } from './recording/answer.js';
import type { Chunk } from './recording/chunk.js';
import { giveAnswer, toObservable } from './recording/give-answer.js';
import { PushedChunks } from './recording/pushed-chunks.js';
import { readAnswer } from './recording/read-answer.js';
import { recordRawResponse } from './recording/record-raw-response.js';
import { replay, replayValue } from './recording/replay.js';
import type { RouteOptions } from './route-options.js';

/** How the handler of a route answers: by what it returns, by `@Sse()` events, or to `@Res()`. */
export type RouteAnswers = 'returned' | 'events' | 'raw';

/** One request to a route. */
export interface RouteCall {
  readonly http: HttpExchange;
  readonly next: CallHandler;
  readonly answers: RouteAnswers;
  readonly options: RouteOptions;
}

type FromCache = Extract<Served, { from: 'cache' }>;
type FromHandler = Extract<Served, { from: 'handler' }>;
type Own = Extract<FromHandler, { isCollapsed: false }>;

/** The door for one request to a Nest route: asks its handler, or answers in its place. */
export class RouteDoor {
  readonly #cache: LlmCacheService;
  readonly #call: RouteCall;
  readonly #request: AnswerRequest;
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
    this.#cache = cache;
    this.#call = call;
    this.#request = {
      ...lookup,
      // What a handler writes by itself cannot be put together from parts.
      memory: cache.memoryFor(
        lookup,
        call.answers === 'returned'
          ? { kind: 'value', status: call.http.status, headers: {} }
          : undefined,
      ),
      limits: call.options,
      gone: call.http.gone(),
      ttlMs: async () => lookup.controls.ttlMs ?? ttlMs(),
      call: (stop, instead) => this.#ask(stop, instead),
    };
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
        this.#tell({ kind: 'miss', why: this.#why, result: served.reason });
        return this.#call.answers === 'raw' ? from(this.#handled) : of(this.#original);
      case 'nobody':
        return of(undefined);
      case 'nowhere':
        this.#tell({ kind: 'miss' });
        throw new GatewayTimeoutException('No cached answer to this request.');
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

  #giveRecorded({ entry }: FromCache): Observable<unknown> {
    const { head, frames, storedAtMs, ttlMs } = entry;
    this.#begin(head, { kind: 'hit', ageMs: Date.now() - storedAtMs, ttlMs });
    const { pacing, verbatim } = this.#call.options;
    return head.kind === 'value'
      ? of(replayValue(frames, verbatim))
      : this.#give(head, replay(frames, { pacing, verbatim }));
  }

  /** The answer of somebody else's call. */
  async #giveShared({ head, chunks }: FromHandler): Promise<Observable<unknown>> {
    this.#begin(head, { kind: 'miss', isCollapsed: true });
    return head.kind === 'value' ? of(await onlyChunk(chunks)) : this.#give(head, chunks);
  }

  /** The answer of the request's own handler. */
  async #giveOwn({ head, chunks, recorded }: Own): Promise<Observable<unknown>> {
    switch (head.kind) {
      case 'value': {
        const value = await onlyChunk(chunks);
        this.#tell({ kind: 'miss', why: this.#why, result: await recorded });
        return of(value);
      }
      case 'raw':
        void readToEnd(chunks);
        return from(this.#handled);
      case 'events':
        return toObservable(chunks);
      default:
        return of(
          giveAnswer(head, chunks, this.#request.memory.isRebuilt ? undefined : this.#original),
        );
    }
  }

  #give(head: AnswerHead, chunks: AsyncIterableIterator<Chunk>): Observable<unknown> {
    if (head.kind === 'events') return toObservable(chunks);
    const answer = giveAnswer(head, chunks);
    if (head.kind !== 'raw') return of(answer);
    this.#call.http.reply(answer, head.status);
    return of(undefined);
  }

  async #ask(stop: AbortSignal, instead?: JsonObject): Promise<LiveAnswer | UnstorableReason> {
    const { http, answers } = this.#call;
    stop.throwIfAborted();
    if (instead !== undefined) http.replaceBody(instead);
    // Before the handler, which may send them.
    this.#tell({ kind: 'miss', why: this.#why });
    switch (answers) {
      case 'returned':
        return this.#askForReturned(stop);
      case 'events':
        return this.#askForEvents(stop);
      case 'raw':
        return this.#askForRaw();
    }
  }

  async #askForReturned(stop: AbortSignal): Promise<LiveAnswer | UnstorableReason> {
    const { http, next } = this.#call;
    const answer = next.handle().pipe(takeUntil(fromEvent(stop, 'abort')));
    this.#original = await lastValueFrom(answer, { defaultValue: undefined });
    // The last value so far is not the last one.
    stop.throwIfAborted();
    if (http.isSent) return 'sent';
    if (this.#original === undefined || this.#original === null) return 'no-value';
    const live = readAnswer(this.#original, http);
    const isValue = typeof live === 'object' && live.head.kind === 'value';
    return isValue && !isPlainJson(this.#original) ? 'not-json' : live;
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
    return { head: { kind: 'events', status: http.status, headers: {} }, chunks };
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
    const { http, answers } = this.#call;
    if (answers === 'events') return;
    http.setHeaders(headers);
    http.setStatus(status);
    this.#tell(outcome);
  }

  /** Nest sends the headers of events while the cache still looks: nothing can be told in them. */
  #tell(outcome: CacheOutcome): void {
    const { http, answers } = this.#call;
    if (answers !== 'events') http.setHeaders(cacheStatusHeaders(outcome));
  }

  get #why(): 'miss' | 'request' | 'partial' {
    const { controls, memory } = this.#request;
    if (controls.noCache) return 'request';
    return memory.isPartial ? 'partial' : 'miss';
  }
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
