import type { Account } from './accounting/account.js';
import type { JsonObject } from './json-object.js';
import type { LlmCacheParts } from './llm-cache-parts.js';
import type { Lookup } from './lookup-plan.js';
import type { RequestControls } from './policy/request-controls.js';
import type { LlmProtocol } from './protocols/llm-protocol.interface.js';
import type { AnswerHead, OriginatedHead } from './recording/answer.js';
import type { AnswerMemory } from './recording/answer-memory.js';
import type { Sealer } from './sealing/sealer.interface.js';

/** What a door tells of a request. */
export interface RequestAtDoor {
  /** For the statistics. */
  readonly route: string;
  /** Whether this process may remember the answer. */
  readonly isNear: boolean;
  /** Of an answer that may be put together from parts. */
  readonly headOfHit: AnswerHead | undefined;
}

/** What every request has of the cache, whichever door it came by. */
export class PreparedRequest {
  readonly key: string;
  readonly epoch: string;
  readonly isEpochFresh: boolean;
  readonly tags: readonly string[];
  readonly memory: AnswerMemory;
  readonly account: Account;
  readonly protocol: LlmProtocol;
  readonly body: JsonObject;
  readonly controls: RequestControls;
  readonly #parts: LlmCacheParts;
  readonly #lookup: Lookup;

  constructor(parts: LlmCacheParts, lookup: Lookup, { route, isNear, headOfHit }: RequestAtDoor) {
    this.#parts = parts;
    this.#lookup = lookup;
    this.key = parts.vault.namesOf(lookup.key)[0];
    this.epoch = parts.epochs.newest;
    this.isEpochFresh = lookup.epoch.isFresh;
    this.tags = lookup.tags;
    this.memory = parts.memoryFor(lookup, isNear, headOfHit);
    this.account = parts.accountOf(lookup, route);
    this.protocol = lookup.protocol;
    this.body = lookup.body;
    this.controls = lookup.controls;
  }

  get sealer(): Sealer {
    return this.#parts.sealerOf(this.#lookup);
  }

  isValid(head: OriginatedHead): boolean {
    return this.#parts.isValid(head);
  }

  onStored(): void {
    this.#parts.explainLater(this.#lookup);
  }
}
