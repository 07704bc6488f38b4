import type { IncomingHttpHeaders } from 'node:http';
import { checkFetchOptions } from '../options/llm-cache-own-options.js';
import type { LlmCachePacing } from '../options/llm-cache-options.interface.js';
import { abortable, orAborted } from './abortable.js';
import type { Served } from './answer-request.interface.js';
import { FetchAnswerRequest } from './fetch-answer-request.js';
import { readRequest } from './fetch-request.js';
import { credentialPrincipal } from './key/principal.js';
import { requestTarget } from './key/request-target.js';
import type { LlmCacheService } from './llm-cache.service.js';
import type { LookupPlan } from './lookup-plan.js';
import { cacheStatusHeaders, type CacheOutcome } from './policy/cache-status.js';
import { explicitTtl, withJitter } from './policy/entry-ttl.js';
import { LITELLM_CONTROLS } from './policy/request-controls.js';
import type { AnswerHead } from './recording/answer.js';
import { toResponse } from './recording/give-answer.js';
import { withoutMember } from './json-members.js';
import { replay } from './recording/replay.js';
import { checkedTags } from './route-options.js';

/** Options of one cached `fetch`. @publicApi */
export interface LlmCacheFetchOptions {
  /**
   * Who shares answers: the name of a tenant, or `'public'` for all users of this `fetch` and of
   * others with the same scope. @default who sends the same credentials
   */
  readonly scope?: string | (() => string | Promise<string>);
  /** Lifetime of an entry in milliseconds. @default `cache.ttlMs`, up to 20 % shorter */
  readonly ttlMs?: number;
  /** @default `cache.llm.pacing` */
  readonly pacing?: LlmCachePacing;
  /** @default `cache.llm.verbatim` */
  readonly verbatim?: boolean;
  /** @default `cache.llm.maxEntryBytes` */
  readonly maxEntryBytes?: number;
  /** By which answers can be invalidated: a list, or a function. @default none */
  readonly tags?: readonly string[] | (() => readonly string[] | Promise<readonly string[]>);
  /** @default `cache.llm.staleWhileRevalidateMs` */
  readonly staleWhileRevalidateMs?: number;
  /** @default `cache.llm.staleIfErrorMs` */
  readonly staleIfErrorMs?: number;
  /** @default `cache.llm.shadow` */
  readonly shadow?: boolean;
  /** Whether this process may remember answers, where `cache.near` is on. @default true */
  readonly near?: boolean;
  /** Asks the upstream. @default the global `fetch` */
  readonly fetch?: typeof globalThis.fetch;
}

/** The door for SDK clients: a `fetch` whose answers come from the cache. */
export class FetchDoor {
  readonly headOfHit: AnswerHead = {
    kind: 'response',
    status: 200,
    headers: { 'content-type': 'application/json' },
  };
  readonly #cache: LlmCacheService;
  readonly #options: LlmCacheFetchOptions;

  /** @throws AzureRedisOptionsError with all mistakes */
  constructor(cache: LlmCacheService, options: LlmCacheFetchOptions) {
    checkFetchOptions(options);
    this.#cache = cache;
    this.#options = options;
  }

  async fetch(...[input, init]: Parameters<typeof globalThis.fetch>): Promise<Response> {
    const upstream = this.#options.fetch ?? globalThis.fetch;
    const request = await readRequest(input, init);
    if (request === undefined) return upstream(input, init);
    const { url, headers, body, signal } = request;
    const llm = { ...this.#cache.options.llm, ...this.#options };
    const route = `${url.host}${url.pathname}`;
    const text = llm.clientControls === 'litellm' ? withoutWishes(request.text) : request.text;
    const send = (more: RequestInit): Promise<Response> => {
      const sent = { ...init, method: 'POST', headers, body: text, ...more };
      // Of the body that the caller has written.
      if (sent.body !== request.text) headers.delete('content-length');
      // A Request has more to say than its address.
      return upstream(input instanceof Request ? new Request(input, sent) : url, sent);
    };
    const plan = await this.plan(url, headers, body);
    if ('bypass' in plan) {
      this.#cache.parts.bypassed(route, body, plan.bypass);
      return send({ signal });
    }
    signal.throwIfAborted();
    const { parts } = this.#cache;
    const answerRequest = new FetchAnswerRequest({
      parts,
      lookup: plan,
      route,
      isNear: this.#options.near ?? true,
      headOfHit: this.headOfHit,
      options: llm,
      gone: signal,
      ttlMs: () => this.#ttlMs(),
      // Others may want the answer when this caller does not any more.
      ask: (stop, instead) =>
        send({ signal: stop, ...(instead && { body: JSON.stringify(instead) }) }),
    });
    const served = await orAborted(this.#cache.answers.serve(answerRequest), signal);
    return this.#respond(served, answerRequest, signal);
  }

  /** @internal */
  async plan(url: URL, headers: Headers, body: unknown): Promise<LookupPlan> {
    const { path, query } = requestTarget(`${url.pathname}${url.search}`);
    const sent = Object.fromEntries(headers);
    const request = { path, route: ['fetch', url.origin, path, query], headers: sent, body };
    const plan = await this.#cache.plan(request, async () => {
      const principal = await this.#principalOf(sent);
      if (principal === undefined) return 'scope';
      const tags = await this.#tags();
      return tags === undefined ? 'tags' : { principal, tags };
    });
    // Unlike a route, nobody chose to have this request cached: it may create something.
    const isUnknown = !('bypass' in plan) && plan.protocol.name === 'json';
    return isUnknown ? { bypass: 'call-type' } : plan;
  }

  async #principalOf(headers: IncomingHttpHeaders): Promise<string | undefined> {
    const { scope } = this.#options;
    if (scope === undefined) return credentialPrincipal(headers, this.#cache.options.namespace);
    try {
      return await nameOf(scope);
    } catch {
      this.#trouble('The scope of a cached fetch throws or is no name');
      return undefined;
    }
  }

  async #tags(): Promise<readonly string[] | undefined> {
    const { tags = [] } = this.#options;
    try {
      return checkedTags(typeof tags === 'function' ? await tags() : tags);
    } catch {
      this.#trouble('The tags of a cached fetch throw or are no list of names');
      return undefined;
    }
  }

  #trouble(what: string): void {
    this.#cache.troubles.started(what, 'such requests are not cached');
  }

  /** @returns `undefined` if the option is no lifetime. */
  #ttlMs(): number | undefined {
    const { ttlMs } = this.#options;
    try {
      return ttlMs === undefined ? withJitter(this.#cache.options.ttlMs) : explicitTtl(ttlMs);
    } catch {
      const trouble = 'The ttlMs of a cached fetch is no positive number';
      this.#cache.troubles.started(trouble, 'its answers are not stored');
      return undefined;
    }
  }

  #respond(
    served: Served,
    { controls, memory, original }: FetchAnswerRequest,
    signal: AbortSignal,
  ): Response {
    const { pacing, verbatim, shadow } = { ...this.#cache.options.llm, ...this.#options };
    switch (served.from) {
      case 'cache': {
        const { head, frames, storedAtMs, ttlMs } = served.entry;
        const chunks = abortable(replay(frames, { pacing, verbatim }), signal);
        const ageMs = Date.now() - storedAtMs;
        const { isStale } = served;
        return withStatus(toResponse(head, chunks), { kind: 'hit', ageMs, ttlMs, isStale });
      }
      case 'handler': {
        // An answer that was put together anew has only the headers that belong to it.
        const like = memory.isRebuilt || served.isCollapsed ? undefined : original;
        const response = toResponse(served.head, abortable(served.chunks, signal), like);
        if (shadow) return withStatus(response, IN_SHADOW);
        const why = controls.noCache ? 'request' : memory.isPartial ? 'partial' : 'miss';
        return withStatus(response, { kind: 'miss', why, isCollapsed: served.isCollapsed });
      }
      case 'handler-only':
        return original === undefined
          ? new Response(null, { status: 502 })
          : told(original, shadow ? IN_SHADOW : { kind: 'miss', result: served.reason });
      case 'nowhere':
        return withStatus(new Response(null, { status: 504 }), { kind: 'miss' });
    }
  }
}

function withoutWishes(text: string): string {
  return withoutMember(Buffer.from(text), LITELLM_CONTROLS).toString();
}

async function nameOf(scope: NonNullable<LlmCacheFetchOptions['scope']>): Promise<string> {
  const name: unknown = typeof scope === 'function' ? await scope() : scope;
  // An empty name is most likely a tenant that was not found; it must not be shared.
  if (typeof name !== 'string' || name === '') throw new TypeError('Expected a name.');
  return scope === 'public' ? 'public' : `scope:${name}`;
}

const IN_SHADOW: CacheOutcome = { kind: 'bypass', detail: 'shadow' };

/** With the status, unless its headers cannot be changed. */
function told(response: Response, outcome: CacheOutcome): Response {
  try {
    return withStatus(response, outcome);
  } catch {
    return response;
  }
}

function withStatus(response: Response, outcome: CacheOutcome): Response {
  for (const [name, value] of Object.entries(cacheStatusHeaders(outcome))) {
    response.headers.set(name, value);
  }
  return response;
}
