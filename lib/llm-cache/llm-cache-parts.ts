import { createHmac } from 'node:crypto';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import type { ByteStore } from '../store/byte-store.interface.js';
import { NearByteStore } from '../store/near-byte-store.js';
import { NearCache } from '../store/near-cache.js';
import type { Notices } from '../store/redis-notices.js';
import type { ScriptStore } from '../store/script-store.interface.js';
import { Account } from './accounting/account.js';
import { Ledger } from './accounting/ledger.js';
import { EmbeddingMemory } from './embeddings/embedding-memory.js';
import { splitEmbeddingRequest } from './embeddings/embedding-request.js';
import { Explainer, explanationDetail, type Explanation } from './explanation/explain.js';
import { Fleet } from './fleet/fleet.js';
import { readCacheGroups } from './invalidation/cache-groups.js';
import { epochName } from './invalidation/epoch-names.js';
import { Epochs } from './invalidation/epochs.js';
import { isJsonObject } from './json-object.js';
import type { Lookup } from './lookup-plan.js';
import type { BypassReason } from './policy/bypass.js';
import type { AnswerHead, OriginatedHead } from './recording/answer.js';
import type { Entry } from './recording/entry.js';
import { nearAnswer } from './recording/near-answer.js';
import { wholeAnswer, type AnswerMemory } from './recording/answer-memory.js';
import { RecordedAnswers } from './recording/recorded-answers.js';
import type { Sealer } from './sealing/sealer.interface.js';
import { Vault } from './sealing/vault.js';
import type { TroubleLog } from './trouble-log.js';

const STORE_TROUBLE = 'The store of the LLM cache fails';

/** What this process remembers: ready to be given, or as encrypted as in Redis. */
interface NearAnswers {
  readonly entries: NearCache<Entry> | undefined;
  readonly sealed: NearCache<Buffer> | undefined;
}

const NOT_NEAR: NearAnswers = { entries: undefined, sealed: undefined };

/** The parts of the cache that know Redis, put together. */
export class LlmCacheParts {
  readonly ledger: Ledger;
  readonly vault: Vault;
  readonly epochs: Epochs;
  /** `undefined` when every process is on its own. */
  readonly fleet: Fleet | undefined;
  readonly #explainer: Explainer | undefined;
  readonly #store: ByteStore;
  readonly #notices: Notices;
  readonly #near: NearAnswers;
  readonly #onStoreState: (isWorking: boolean) => void;

  constructor(
    store: ByteStore & ScriptStore,
    notices: Notices,
    { namespace, near, llm }: AzureRedisOptions['cache'],
    troubles: TroubleLog,
  ) {
    const { fleet, encryption, compressAboveBytes, pricing, explain } = llm;
    this.#store = store;
    const isSealed = encryption !== undefined && near !== false && !near.decrypted;
    this.#near = {
      entries: near && !isSealed ? new NearCache<Entry>(near, notices, 'llm:near') : undefined,
      sealed: near && isSealed ? new NearCache<Buffer>(near, notices, 'llm:near') : undefined,
    };
    this.#notices = notices;
    this.#onStoreState = (isWorking) => {
      if (isWorking) troubles.ended(STORE_TROUBLE);
      else troubles.started(STORE_TROUBLE, 'requests are answered without the cache');
    };
    this.ledger = new Ledger({
      pricing,
      onPricingTrouble: () =>
        troubles.started('The pricing of the LLM cache fails', 'no cost is counted then'),
    });
    this.vault = new Vault(store, { secrets: encryption?.secrets ?? [], compressAboveBytes });
    const namesOf = (name: string): readonly [string, ...string[]] => this.vault.namesOf(name);
    this.epochs = new Epochs(store, { namespace, namesOf, notices: near ? notices : undefined });
    this.fleet = fleet ? new Fleet(store, notices, fleet.leaseMs) : undefined;
    const digest = (text: string): Buffer =>
      createHmac('sha256', namespace).update(namesOf(text)[0]).digest();
    this.#explainer = explain ? new Explainer({ store, digest, namesOf }) : undefined;
  }

  accountOf({ model }: Lookup, route: string): Account {
    return new Account(this.ledger, { route, model });
  }

  /**
   * Whether none of the groups that an answer has named, nor of the tags that it was asked for
   * with, has been invalidated since its call.
   */
  isValid({ headers, origin }: OriginatedHead): boolean {
    const groups = [...readCacheGroups(headers['cache-groups']), ...(origin.tags ?? [])];
    if (groups.length === 0) return true;
    const names = groups.map((group) => epochName('tag', group));
    return this.epochs.isCurrent(origin.epoch, names);
  }

  /** What a process remembers for a principal ends with an invalidation of the principal. */
  sealerOf({ principal }: Lookup): Sealer {
    const names = [epochName('principal', principal)];
    const epoch = this.epochs.current(names)?.text ?? '';
    const sealer = this.vault.sealerFor(principal, epoch);
    return {
      open: (context, sealed) => sealer.open(context, sealed),
      // Who was erased meanwhile gets no new salt for an answer of before.
      seal: async (context, bytes) =>
        (this.epochs.current(names)?.text ?? '') === epoch
          ? sealer.seal(context, bytes)
          : undefined,
    };
  }

  memoryFor(lookup: Lookup, isNear: boolean, headOfHit: AnswerHead | undefined): AnswerMemory {
    const { key, protocol, body, controls, keyOf } = lookup;
    const { entries, sealed } = isNear ? this.#near : NOT_NEAR;
    const answers = new RecordedAnswers({
      store: sealed ? new NearByteStore(this.#store, sealed) : this.#store,
      namesOf: (name) => this.vault.namesOf(name),
      sealer: this.sealerOf(lookup),
      onStoreState: this.#onStoreState,
    });
    const isSplit = protocol.name === 'openai-embeddings' && headOfHit !== undefined;
    const split = isSplit ? splitEmbeddingRequest(body) : undefined;
    const keys = split?.items.flatMap(({ keyBody }) => keyOf(keyBody) ?? []);
    if (headOfHit === undefined || split === undefined || keys?.length !== split.items.length) {
      const whole = wholeAnswer(answers, key);
      return entries ? nearAnswer(whole, entries, this.vault.namesOf(key)[0]) : whole;
    }
    const { maxAgeMs } = controls;
    return new EmbeddingMemory(body, split, keys, answers, headOfHit, maxAgeMs);
  }

  bypassed(route: string, body: unknown, reason: BypassReason): void {
    const model = isJsonObject(body) ? body['model'] : undefined;
    const name = typeof model === 'string' ? model : undefined;
    this.ledger.bypass({ route, model: name }, reason);
  }

  /** For the explanations of later misses. */
  explainLater({ explained }: Lookup): void {
    const digests = this.#explainer?.digestsOf(explained());
    if (digests !== undefined) void this.#explainer?.remember(digests);
  }

  /** Why a request is a miss, for the code of the application. */
  explain(lookup: Lookup): Promise<Explanation | undefined> {
    return this.#explain(lookup, true);
  }

  /** The same for the caller, as a `detail` of Cache-Status. */
  async explainToCaller(lookup: Lookup): Promise<string | undefined> {
    const explanation = await this.#explain(lookup, false);
    return explanation && explanationDetail(explanation);
  }

  async #explain(
    { explained }: Lookup,
    isPrincipalTold: boolean,
  ): Promise<Explanation | undefined> {
    const digests = this.#explainer?.digestsOf(explained());
    return digests && this.#explainer?.explain(digests, { isPrincipalTold });
  }

  close(): void {
    this.epochs.close();
    this.#notices.close();
  }
}
