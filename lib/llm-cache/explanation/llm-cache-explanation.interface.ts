import type { BypassReason } from '../policy/bypass.js';
import type { Explanation } from './explain.js';

/** What the cache would do with a request, and why. @publicApi */
export interface LlmCacheExplanation extends Partial<Explanation> {
  readonly result: 'hit' | 'miss' | 'bypass';
  /** Of a bypass. */
  readonly reason?: BypassReason;
  /** For `invalidate({ key })`. */
  readonly key?: string;
}
