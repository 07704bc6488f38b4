import { isHeard, publish } from '../../azure-redis.channels.js';
import type { LlmCachePricing } from '../../options/llm-cache-options.interface.js';
import type { BypassReason } from '../policy/bypass.js';
import type { UnstorableReason } from '../policy/storable.js';
import type { TokenUsage } from '../protocols/llm-protocol.interface.js';
import { isTokenCount } from '../protocols/token-usage.js';
import type { Entry } from '../recording/entry.js';
import { cleanName, LabelBook, type Labels } from './labels.js';
import type { LlmCacheEvent, LlmCacheSavings } from './llm-cache-event.interface.js';
import type { LlmCacheStats } from './llm-cache-stats.interface.js';
import { PriceList } from './pricing.js';
import { Tally, type Counter } from './tally.js';

/** Of `diagnostics_channel`, behind the name of the package. */
const CHANNEL = 'llmCache';

/** Whose outcome is counted. */
export interface AccountedRequest {
  /** Of Nest as in `ChatController.complete`, of an upstream its host and path; no query. */
  readonly route: string;
  /** That was asked for. */
  readonly model: string | undefined;
  /** In epoch milliseconds, where somebody listens. */
  readonly startedAt?: number;
}

/** What an entry records of the call that made it, and of its answer. */
export interface RecordedCall extends Partial<Pick<Entry, 'head' | 'frames'>> {
  readonly usage: TokenUsage;
  /** Milliseconds from the call to the end of its answer. */
  readonly tookMs: number | undefined;
}

export interface LedgerOptions {
  /** @default no costs are counted */
  readonly pricing?: LlmCachePricing | undefined;
  /** Called once, with what the pricing threw, or what was wrong with its price. */
  readonly onPricingTrouble: (error: unknown) => void;
}

/**
 * Counts what the cache does, by model and route, and publishes each outcome on the diagnostics
 * channel `nestjs-azure-redis:llmCache`. Keeps at most 100 models and 100 routes; never throws.
 */
export class Ledger {
  readonly #labels = new LabelBook();
  readonly #total = new Tally();
  readonly #byModel = new Map<string, Tally>();
  readonly #byRoute = new Map<string, Tally>();
  readonly #prices: PriceList;

  constructor({ pricing, onPricingTrouble }: LedgerOptions) {
    this.#prices = new PriceList(pricing, onPricingTrouble);
  }

  /** Whether anybody listens to the events. */
  get isHeard(): boolean {
    return isHeard(CHANNEL);
  }

  hit(request: AccountedRequest, call: RecordedCall): void {
    this.#given('hit', 'hits', request, call);
  }

  stale(request: AccountedRequest, call: RecordedCall): void {
    this.#given('stale', 'stale', request, call);
  }

  miss(request: AccountedRequest): void {
    const labels = this.#countOne(request, 'misses');
    tell({ result: 'miss', ...labels, ...startOf(request) });
  }

  /**
   * Counted at once, and told with its savings at the end of the answer.
   *
   * @param ended resolves to the call that made it, or to nothing when that is not known
   */
  collapsed(request: AccountedRequest, ended: Promise<RecordedCall | undefined>): void {
    const labels = this.#countOne(request, 'collapsed');
    const settle = (call?: RecordedCall): void => {
      const savings = call === undefined ? {} : this.#savingsOf(request, call);
      this.#count(request, (tally) => tally.saved(savings));
      tell({ result: 'collapsed', ...labels, ...savings, ...factsOf(request, call) });
    };
    ended.then(settle, () => settle());
  }

  /** An answer was found and not given. */
  shadowHit(request: AccountedRequest, call: RecordedCall): void {
    const savings = this.#savingsOf(request, call);
    const labels = this.#count(request, (tally) => {
      tally.count('shadowHits');
      tally.shadowSaved(savings);
    });
    tell({ result: 'shadow', ...labels, ...savings, ...factsOf(request, call) });
  }

  bypass(request: AccountedRequest, reason: BypassReason): void {
    const labels = this.#count(request, (tally) => tally.bypass(reason));
    tell({ result: 'bypass', ...labels, reason });
  }

  stored(request: AccountedRequest): void {
    this.#countOne(request, 'stored');
  }

  unstorable(request: AccountedRequest, reason: UnstorableReason): void {
    this.#count(request, (tally) => tally.unstorable(reason));
  }

  /** Frozen, all the way down. */
  snapshot(): LlmCacheStats {
    return Object.freeze({
      ...this.#total.snapshot(),
      byModel: snapshotsOf(this.#byModel),
      byRoute: snapshotsOf(this.#byRoute),
    });
  }

  #given(
    result: 'hit' | 'stale',
    counter: 'hits' | 'stale',
    request: AccountedRequest,
    call: RecordedCall,
  ): void {
    const savings = this.#savingsOf(request, call);
    const labels = this.#count(request, (tally) => {
      tally.count(counter);
      tally.saved(savings);
    });
    if (this.isHeard) tell({ result, ...labels, ...savings, ...factsOf(request, call) });
  }

  #countOne(request: AccountedRequest, counter: Counter): Labels {
    return this.#count(request, (tally) => tally.count(counter));
  }

  #count({ route, model }: AccountedRequest, add: (tally: Tally) => void): Labels {
    const labels = this.#labels.labelsOf(route, model);
    add(this.#total);
    add(tallyOf(this.#byModel, labels.model));
    add(tallyOf(this.#byRoute, labels.route));
    return labels;
  }

  /** Counts what can be true only: another version may have written the entry. */
  #savingsOf({ model: asked }: AccountedRequest, call: RecordedCall): LlmCacheSavings {
    const { usage, tookMs } = call;
    const savings: { -readonly [Name in keyof LlmCacheSavings]: number } = {};
    if (isTokenCount(usage.inputTokens)) savings.savedInputTokens = usage.inputTokens;
    if (isTokenCount(usage.outputTokens)) savings.savedOutputTokens = usage.outputTokens;
    if (isDuration(tookMs)) savings.savedUpstreamMs = tookMs;
    const savedCost = this.#costOf(asked, usage);
    if (savedCost !== undefined) savings.savedCost = savedCost;
    return savings;
  }

  #costOf(
    asked: string | undefined,
    { inputTokens, outputTokens, ...usage }: TokenUsage,
  ): number | undefined {
    if (!this.#prices.isKnown || !isTokenCount(inputTokens) || !isTokenCount(outputTokens)) {
      return undefined;
    }
    const model = isName(usage.model) ? usage.model : asked;
    const name = model === undefined ? undefined : cleanName(model);
    return this.#prices.priceOf({ model: name, inputTokens, outputTokens });
  }
}

/** Azure's first event of a stream has a model without a name. */
const isName = (model: unknown): model is string => typeof model === 'string' && model !== '';

const isDuration = (ms: number | undefined): ms is number =>
  ms !== undefined && Number.isFinite(ms) && ms >= 0;

const startOf = ({ startedAt }: AccountedRequest): Pick<LlmCacheEvent, 'startedAt'> =>
  startedAt === undefined ? {} : { startedAt };

/** What is told of an answer, but not counted. */
function factsOf(
  request: AccountedRequest,
  call: RecordedCall | undefined,
): Pick<LlmCacheEvent, 'startedAt' | 'bytes' | 'trace'> {
  const { head, frames } = call ?? {};
  const trace = head?.origin.trace;
  return {
    ...startOf(request),
    ...(frames !== undefined && {
      bytes: frames.reduce((sum, { bytes }) => sum + bytes.length, 0),
    }),
    ...(trace !== undefined && { trace }),
  };
}

function tallyOf(tallies: Map<string, Tally>, name: string): Tally {
  const known = tallies.get(name);
  if (known !== undefined) return known;
  const tally = new Tally();
  tallies.set(name, tally);
  return tally;
}

function snapshotsOf(tallies: ReadonlyMap<string, Tally>): LlmCacheStats['byModel'] {
  const named = [...tallies].map(([name, tally]) => [name, tally.snapshot()] as const);
  return Object.freeze(Object.fromEntries(named));
}

const tell = (event: LlmCacheEvent): void => publish(CHANNEL, event);
