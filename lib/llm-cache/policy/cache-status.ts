/** What the cache did with a request, for the response headers. */
export type CacheOutcome =
  | {
      readonly kind: 'hit';
      readonly ageMs: number;
      readonly ttlMs: number;
      /** Given behind its lifetime. */
      readonly isStale?: boolean;
    }
  | {
      readonly kind: 'miss';
      /** `request`: the caller wanted a fresh answer; `partial`: some of the embeddings were stored. */
      readonly why?: 'miss' | 'request' | 'partial';
      /** `'stored'` or why not; left out while nobody knows. */
      readonly result?: string | undefined;
      /** Why it is a miss, as a structured field. */
      readonly explanation?: string | undefined;
      /** The answer is that of somebody else's call. */
      readonly isCollapsed?: boolean;
    }
  | { readonly kind: 'bypass'; readonly detail: string };

/**
 * The response headers that tell the caller: `Cache-Status` (RFC 9211), `X-Cache` for people
 * used to the stock interceptor, `Age` (RFC 9111 section 5.1) on a hit.
 *
 * `stored` means that the answer was found storable and handed to the store. Whether Redis
 * confirms is known only after the answer has been sent, which never waits for it.
 */
export function cacheStatusHeaders(outcome: CacheOutcome): Readonly<Record<string, string>> {
  if (outcome.kind === 'bypass') {
    return { 'Cache-Status': `LlmCache; fwd=bypass; detail=${outcome.detail}` };
  }
  if (outcome.kind === 'miss') {
    const { why = 'miss', result, isCollapsed = false, explanation } = outcome;
    const collapsed = isCollapsed ? '; collapsed' : '';
    const detail = missDetail(result, explanation);
    return {
      'Cache-Status': `LlmCache; fwd=${why}${detail}${collapsed}`,
      'X-Cache': 'MISS',
    };
  }
  const leftMs = outcome.ttlMs - outcome.ageMs;
  const ttl = outcome.isStale === true ? Math.floor(leftMs / 1000) : toSeconds(leftMs);
  return {
    'Cache-Status': `LlmCache; hit; ttl=${ttl}`,
    'X-Cache': 'HIT',
    Age: String(toSeconds(outcome.ageMs)),
  };
}

/** Why it was not stored is worth more than why it was a miss. */
function missDetail(result: string | undefined, explanation: string | undefined): string {
  if (result !== undefined && result !== 'stored') return `; detail=${result}`;
  const stored = result === undefined ? '' : '; stored';
  return explanation === undefined ? stored : `${stored}; detail=${explanation}`;
}

/** Never negative: the clocks of the writer and the reader may differ. */
function toSeconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
