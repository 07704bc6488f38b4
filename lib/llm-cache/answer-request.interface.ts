import type { ResolvedLlmCacheOptions } from '../options/llm-cache-options.interface.js';
import type { Account } from './accounting/account.js';
import type { GoneSignal } from './gone-signal.js';
import type { JsonObject } from './json-object.js';
import type { Staleness } from './policy/freshness.js';
import type { RequestControls } from './policy/request-controls.js';
import type { UnstorableReason } from './policy/storable.js';
import type { LlmProtocol } from './protocols/llm-protocol.interface.js';
import type { LiveAnswer, OriginatedHead } from './recording/answer.js';
import type { AnswerMemory } from './recording/answer-memory.js';
import type { Chunk } from './recording/chunk.js';
import type { Entry } from './recording/entry.js';
import type { Sealer } from './sealing/sealer.interface.js';

/** Limits of one answer. */
export type AnswerLimits = Pick<
  ResolvedLlmCacheOptions,
  'maxEntryBytes' | 'maxFollowers' | 'followerDeadlineMs' | 'drainDeadlineMs' | 'onDisconnect'
>;

/** An answer of which a caller has a part. */
export interface ResumedAnswer {
  /** Of its origin. */
  readonly id: string;
  /** Whether it was given as it came, or as a replay with ids and times of its own. */
  readonly isAsItCame: boolean;
}

/** A request that a cached answer may be given to, whichever door it came by. */
export interface AnswerRequest {
  /** Of the flight: who has the same asks for the same answer. */
  readonly key: string;
  /** The last invalidation that concerns the request, as part of the key. */
  readonly epoch: string;
  /** By which its answer can be invalidated. */
  readonly tags?: readonly string[];
  /** Whether that is known for sure; without it, nothing is looked up. */
  readonly isEpochFresh: boolean;
  /** Whether an answer has been invalidated since, by what only the answer tells. */
  isValid(head: OriginatedHead): boolean;
  readonly memory: AnswerMemory;
  /** For what other processes are told of the answer. */
  readonly sealer: Sealer;
  readonly account: Account;
  readonly protocol: LlmProtocol;
  readonly body: JsonObject;
  readonly controls: RequestControls;
  readonly limits: AnswerLimits;
  readonly staleness: Staleness;
  /** Looked up and counted, but never answered from the cache. */
  readonly isShadow: boolean;
  /** The answer that the caller wants the rest of, and no other one. */
  readonly resumes: ResumedAnswer | undefined;
  /** Aborted when the caller has gone. */
  readonly gone: GoneSignal;
  /** Lifetime of an entry; `undefined` when the route names one that is none. */
  ttlMs(): Promise<number | undefined>;
  /**
   * Asks the handler or the upstream.
   *
   * @param stop aborted when nobody wants the answer any more
   * @param instead of the caller's body
   * @returns why the answer can only be passed on, when that is so
   */
  call(stop: AbortSignal, instead?: JsonObject): Promise<LiveAnswer | UnstorableReason>;
  /** The answer is in Redis, or will not be. */
  onStored(): void;
  /** Whether `call` can be used when the caller has been answered already, or is about to be. */
  readonly canCallLate: boolean;
  /** Resolves when the caller has been answered, where something can be amiss until then. */
  answered?(): Promise<void>;
  /**
   * The same for a call that is made for others. Without anybody who wants it, it ends.
   *
   * @param gone aborted when nobody wants the answer any more
   */
  detached(gone: GoneSignal): AnswerRequest;
}

export type Recorded = 'stored' | UnstorableReason;

/** Where the answer to a request comes from. */
export type Served =
  | { readonly from: 'cache'; readonly entry: Entry; readonly isStale: boolean }
  | {
      readonly from: 'handler';
      readonly head: OriginatedHead;
      readonly chunks: AsyncIterableIterator<Chunk>;
      /** Whether somebody else's call made it. */
      readonly isCollapsed: true;
    }
  | {
      readonly from: 'handler';
      readonly head: OriginatedHead;
      readonly chunks: AsyncIterableIterator<Chunk>;
      readonly isCollapsed: false;
      /** What became of it, once it is complete. */
      readonly recorded: Promise<Recorded>;
    }
  /** The handler's own answer, untouched. */
  | { readonly from: 'handler-only'; readonly reason: UnstorableReason }
  /** Nothing in the cache, and the caller wants nothing else. */
  | { readonly from: 'nowhere' };
