import type { ScriptStore } from '../../store/script-store.interface.js';
import {
  requestDigests,
  type ComparedName,
  type Digest,
  type RequestDigests,
} from './component-digests.js';
import type { ExplainedRequest } from './explained-request.js';
import { RecentEntries, type NamesOf } from './recent-entries.js';

/**
 * A part of what an entry of the cache depends on. `epoch`: there was an invalidation since;
 * `policy`: the entry was stored with other options; `principal`: somebody else's entry.
 *
 * @publicApi
 */
export type ComponentName = ComparedName | 'principal';

/**
 * Why a request was a miss: what differs from the entry that comes nearest to it, among those
 * that were stored last.
 *
 * @publicApi
 */
export interface Explanation {
  /** Empty when the same request was stored and its entry is gone: expired, deleted or evicted. */
  readonly differs: readonly ComponentName[];
  /** `undefined` for the entry of another principal, of which nothing else is told. */
  readonly storedAt: Date | undefined;
}

/** Made only when explanations are enabled: it digests whole requests. */
export interface ExplainerOptions {
  readonly store: ScriptStore;
  readonly digest: Digest;
  readonly namesOf: NamesOf;
  /** In milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Tells why a request was a miss, from digests of the entries that were stored last. */
export class Explainer {
  readonly #digest: Digest;
  readonly #recent: RecentEntries;

  constructor({ store, digest, namesOf, now }: ExplainerOptions) {
    this.#digest = digest;
    this.#recent = new RecentEntries(store, namesOf, now);
  }

  /** @returns `undefined` for a request that cannot be explained; never throws */
  digestsOf(request: ExplainedRequest): RequestDigests | undefined {
    try {
      return requestDigests(request, this.#digest);
    } catch {
      // A protocol of the user's that throws must not cost the answer.
      return undefined;
    }
  }

  /** To be called when the answer has been stored. Never rejects. */
  remember(digests: RequestDigests): Promise<void> {
    return this.#recent.remember(digests);
  }

  /**
   * To be called on a miss, before the answer is stored. Never rejects.
   *
   * @param isPrincipalTold only for the code of the application, never for a caller: whether
   *   somebody else has asked the same is none of his business
   * @returns `undefined` if there is no entry to compare with, or Redis is in trouble
   */
  async explain(
    digests: RequestDigests,
    { isPrincipalTold }: { readonly isPrincipalTold: boolean },
  ): Promise<Explanation | undefined> {
    const nearest = await this.#recent.nearest(digests, isPrincipalTold);
    if (nearest === undefined) return undefined;
    if (nearest === 'another principal') return { differs: ['principal'], storedAt: undefined };
    return { differs: nearest.differs, storedAt: new Date(nearest.storedAtMs) };
  }
}

/**
 * For the parameter `detail` of Cache-Status: a string in quotes.
 *
 * @returns `undefined` for the entry of another principal, which no caller may hear of
 * @see https://www.rfc-editor.org/rfc/rfc8941#section-3.3.3
 */
export function explanationDetail(
  { differs, storedAt }: Explanation,
  now: number = Date.now(),
): string | undefined {
  if (storedAt === undefined || differs.includes('principal')) return undefined;
  const names = differs.length === 0 ? 'nothing' : differs.join(', ');
  // Never negative: the clocks of the writer and the reader may differ.
  const age = Math.max(0, Math.floor((now - storedAt.getTime()) / 1000));
  return `"differs: ${names}; stored ${age} s ago"`;
}
