import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LOGGER_CONTEXT } from '../azure-redis.constants.js';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import type { ByteStore } from '../store/byte-store.interface.js';
import type { Notices } from '../store/redis-notices.js';
import type { ScriptStore } from '../store/script-store.interface.js';
import type { LlmCacheStats } from './accounting/llm-cache-stats.interface.js';
import { AnswerCache } from './answer-cache.js';
import type { LlmCacheExplanation } from './explanation/llm-cache-explanation.interface.js';
import { FetchDoor, type LlmCacheFetchOptions } from './fetch-door.js';
import { BodyDigests } from './key/body-digests.js';
import {
  namesToInvalidate,
  principalsNamed,
  type LlmCacheInvalidation,
} from './invalidation/invalidation-target.js';
import { planLookup, type LlmRequest, type LookupPlan } from './lookup-plan.js';
import { LlmCacheParts } from './llm-cache-parts.js';
import { freshnessOf, NOT_STALE } from './policy/freshness.js';
import type { LlmProtocol } from './protocols/llm-protocol.interface.js';
import type { AnswerMemory } from './recording/answer-memory.js';
import type { Entry } from './recording/entry.js';
import { replay } from './recording/replay.js';
import { toResponse } from './recording/give-answer.js';
import { TroubleLog } from './trouble-log.js';

/** A request to an upstream, as `fetch` would send it. @publicApi */
export interface LlmCacheRequest extends Pick<LlmCacheFetchOptions, 'scope' | 'tags'> {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The JSON body, parsed. */
  readonly body: unknown;
}

/**
 * The cache of LLM answers: `fetch` for SDK clients, and the core behind `LlmCacheInterceptor`.
 *
 * @publicApi
 */
@Injectable()
export class LlmCacheService implements OnApplicationShutdown {
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
  /** @internal */
  readonly parts: LlmCacheParts;
  readonly #protocols: LlmProtocol[] = [];
  readonly #bodies = new BodyDigests();
  /** Marks requests: weak sets of as many members keep the garbage collector busy. */
  readonly #seen = Symbol('seen by the LLM cache');

  constructor(
    store: ByteStore & ScriptStore,
    notices: Notices,
    options: AzureRedisOptions['cache'],
  ) {
    this.options = options;
    this.parts = new LlmCacheParts(store, notices, options, this.troubles);
    this.answers = new AnswerCache(this.parts.fleet);
    this.fetch = this.createFetch();
  }

  /** What the cache did since the start of the process. */
  get stats(): LlmCacheStats {
    return this.parts.ledger.snapshot();
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
    const { entry } = await this.#find(request);
    if (entry === undefined) return undefined;
    const { verbatim } = this.options.llm;
    return toResponse(entry.head, replay(entry.frames, { pacing: 'instant', verbatim }));
  }

  /**
   * Deletes the stored answer to a request of {@link LlmCacheService.fetch}. A call that is under
   * way stores its answer all the same; see {@link LlmCacheService.invalidate}.
   *
   * @returns whether there was one
   */
  async delete(request: LlmCacheRequest): Promise<boolean> {
    return (await (await this.#find(request)).memory?.delete()) ?? false;
  }

  /**
   * Makes stored answers unreachable, and those of calls that are under way, for all processes
   * within 1 s and for this one at once. One step, however many answers there are.
   *
   * @throws AzureRedisError `DEADLINE_EXCEEDED` when Redis does not confirm; `INVALID_OPTIONS` for
   *   what is not exactly one target
   */
  async invalidate(target: LlmCacheInvalidation): Promise<void> {
    await this.parts.epochs.invalidate(namesToInvalidate(target));
  }

  /**
   * Invalidates all answers of a principal and, with `encryption`, shreds them: nobody can decrypt
   * what Redis, its replicas and its backups have of them, as long as those have not the salt.
   *
   * @param principal as for {@link LlmCacheService.invalidate}
   * @returns whether Redis confirmed that the salt is gone; always without encryption
   * @throws AzureRedisError like {@link LlmCacheService.invalidate}
   */
  async erase(principal: string): Promise<boolean> {
    const names = namesToInvalidate({ principal });
    const erased = await Promise.all(
      principalsNamed(principal).map((name) => this.parts.vault.erase(name)),
    );
    await this.parts.epochs.invalidate(names);
    return !erased.includes(false);
  }

  /**
   * What {@link LlmCacheService.fetch} would do with a request, and why: for a miss, which parts of
   * it differ from the nearest one that was stored. That takes the option `explain`.
   */
  async explain(request: LlmCacheRequest): Promise<LlmCacheExplanation> {
    const { plan, entry } = await this.#find(request);
    if ('bypass' in plan) return { result: 'bypass', reason: plan.bypass };
    const key = plan.lastingKey;
    if (entry !== undefined) return { result: 'hit', key, storedAt: new Date(entry.storedAtMs) };
    return { result: 'miss', key, ...(await this.parts.explain(plan)) };
  }

  /** @internal */
  async plan(
    request: LlmRequest,
    partiesOf: Parameters<typeof planLookup>[4],
  ): Promise<LookupPlan> {
    const { epochs } = this.parts;
    try {
      const own = this.#protocols;
      return await planLookup(request, this.options, own, epochs, partiesOf, this.#bodies);
    } catch {
      this.troubles.started('A protocol of the LLM cache throws', 'such requests are not cached');
      return { bypass: 'protocol' };
    }
  }

  /** Whether no other interceptor of this cache has seen the request. @internal */
  isFirstFor(request: object): boolean {
    if (Reflect.has(request, this.#seen)) return false;
    return Reflect.set(request, this.#seen, true);
  }

  /** Ends what goes on by itself. */
  onApplicationShutdown(): void {
    this.parts.close();
  }

  async #find({ url, headers = {}, body, ...options }: LlmCacheRequest): Promise<{
    readonly plan: LookupPlan;
    readonly memory?: AnswerMemory;
    readonly entry?: Entry | undefined;
  }> {
    const door = new FetchDoor(this, options);
    const sent = new Headers({ 'content-type': 'application/json', ...headers });
    const plan = await door.plan(new URL(url), sent, body);
    if ('bypass' in plan) return { plan };
    const memory = this.parts.memoryFor(plan, true, door.headOfHit);
    const entry = plan.epoch.isFresh ? await memory.find() : undefined;
    const isFresh = entry && this.parts.isValid(entry.head) && freshnessOf(entry, NOT_STALE);
    return { plan, memory, entry: isFresh ? entry : undefined };
  }
}
