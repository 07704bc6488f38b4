import { Injectable, Logger } from '@nestjs/common';
import { LOGGER_CONTEXT } from '../azure-redis.constants.js';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import type { ByteStore } from '../store/byte-store.interface.js';
import { AnswerCache } from './answer-cache.js';
import { EmbeddingMemory } from './embeddings/embedding-memory.js';
import { splitEmbeddingRequest } from './embeddings/embedding-request.js';
import { FetchDoor, type LlmCacheFetchOptions } from './fetch-door.js';
import { planLookup, type Lookup, type LlmRequest, type LookupPlan } from './lookup-plan.js';
import type { BypassReason } from './policy/bypass.js';
import type { LlmProtocol } from './protocols/llm-protocol.interface.js';
import type { AnswerHead } from './recording/answer.js';
import { wholeAnswer, type AnswerMemory } from './recording/answer-memory.js';
import { RecordedAnswers } from './recording/recorded-answers.js';
import { replay } from './recording/replay.js';
import { toResponse } from './recording/give-answer.js';
import { LlmCacheStatistics, type LlmCacheStats } from './statistics.js';
import { TroubleLog } from './trouble-log.js';

const STORE_TROUBLE = 'The store of the LLM cache fails';

/** A request to an upstream, as `fetch` would send it. @publicApi */
export interface LlmCacheRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The JSON body, parsed. */
  readonly body: unknown;
  /** As in {@link LlmCacheFetchOptions}. */
  readonly scope?: LlmCacheFetchOptions['scope'];
}

/**
 * The cache of LLM answers: `fetch` for SDK clients, and the core behind `LlmCacheInterceptor`.
 *
 * @publicApi
 */
@Injectable()
export class LlmCacheService {
  /**
   * A `fetch` whose POST requests with a JSON body are answered from the cache, one call for all
   * who ask the same at the same time. Who sends the same credentials shares answers.
   *
   * @example
   * ```ts
   * new OpenAI({ fetch: llmCache.fetch })
   * ```
   */
  readonly fetch: typeof globalThis.fetch;
  /** @internal */
  readonly answers: AnswerCache;
  /** @internal */
  readonly options: AzureRedisOptions['cache'];
  /** @internal */
  readonly troubles = new TroubleLog(new Logger(LOGGER_CONTEXT));
  readonly #statistics = new LlmCacheStatistics();
  readonly #recorded: RecordedAnswers;
  readonly #protocols: LlmProtocol[] = [];
  readonly #seen = new WeakSet<object>();

  constructor(store: ByteStore, options: AzureRedisOptions['cache']) {
    this.options = options;
    this.answers = new AnswerCache(this.#statistics);
    this.#recorded = new RecordedAnswers(store, (isWorking) => {
      if (isWorking) this.troubles.ended(STORE_TROUBLE);
      else this.troubles.started(STORE_TROUBLE, 'requests are answered without the cache');
    });
    this.fetch = this.createFetch();
  }

  /** What the cache did since the start of the process. */
  get stats(): LlmCacheStats {
    return this.#statistics.snapshot();
  }

  /** A `fetch` with options of its own. */
  createFetch(options: LlmCacheFetchOptions = {}): typeof globalThis.fetch {
    const door = new FetchDoor(this, options);
    return (input, init) => door.fetch(input, init);
  }

  /** Lets the cache understand one more API; it is asked before those that are built in. */
  addProtocol(protocol: LlmProtocol): void {
    this.#protocols.push(protocol);
  }

  /**
   * The stored answer that {@link LlmCacheService.fetch} would give to a request.
   *
   * @returns `undefined` if there is none
   */
  async get(request: LlmCacheRequest): Promise<Response | undefined> {
    const found = await this.#memoryOf(request);
    const entry = await found?.find();
    if (entry === undefined) return undefined;
    const { verbatim } = this.options.llm;
    return toResponse(entry.head, replay(entry.frames, { pacing: 'instant', verbatim }));
  }

  /**
   * Deletes the stored answer to a request of {@link LlmCacheService.fetch}.
   *
   * @returns whether there was one
   */
  async delete(request: LlmCacheRequest): Promise<boolean> {
    return (await (await this.#memoryOf(request))?.delete()) ?? false;
  }

  /** @internal */
  async plan(
    request: LlmRequest,
    principal: () => Promise<string | undefined>,
  ): Promise<LookupPlan> {
    try {
      return await planLookup(request, this.options, this.#protocols, principal);
    } catch {
      this.troubles.started('A protocol of the LLM cache throws', 'such requests are not cached');
      return { bypass: 'protocol' };
    }
  }

  /** Whether no other interceptor of this cache has seen the request. @internal */
  isFirstFor(request: object): boolean {
    if (this.#seen.has(request)) return false;
    this.#seen.add(request);
    return true;
  }

  /** @internal */
  bypassed(reason: BypassReason): void {
    this.#statistics.bypass(reason);
  }

  /** @param headOfHit of an answer that may be put together from parts @internal */
  memoryFor(
    { key, protocol, body, keyOf }: Lookup,
    headOfHit: AnswerHead | undefined,
  ): AnswerMemory {
    const isSplit = protocol.name === 'openai-embeddings' && headOfHit !== undefined;
    const split = isSplit ? splitEmbeddingRequest(body) : undefined;
    const keys = split?.items.flatMap(({ keyBody }) => keyOf(keyBody) ?? []);
    if (headOfHit === undefined || split === undefined || keys?.length !== split.items.length) {
      return wholeAnswer(this.#recorded, key);
    }
    return new EmbeddingMemory(body, split, keys, this.#recorded, headOfHit);
  }

  async #memoryOf({
    url,
    headers = {},
    body,
    scope,
  }: LlmCacheRequest): Promise<AnswerMemory | undefined> {
    const door = new FetchDoor(this, scope === undefined ? {} : { scope });
    const sent = new Headers({ 'content-type': 'application/json', ...headers });
    const plan = await door.plan(new URL(url), sent, body);
    return 'bypass' in plan ? undefined : this.memoryFor(plan, door.headOfHit);
  }
}
