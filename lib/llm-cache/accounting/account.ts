import type { UnstorableReason } from '../policy/storable.js';
import type { Entry } from '../recording/entry.js';
import type { AccountedRequest, Ledger, RecordedCall } from './ledger.js';

/** The outcomes of one request. */
export class Account {
  readonly #ledger: Ledger;
  readonly #request: AccountedRequest;

  constructor(ledger: Ledger, request: AccountedRequest) {
    this.#ledger = ledger;
    this.#request = ledger.isHeard
      ? { ...request, startedAt: performance.timeOrigin + performance.now() }
      : request;
  }

  hit(entry: Entry): void {
    this.#ledger.hit(this.#request, entry);
  }

  /** A hit past its lifetime. */
  stale(entry: Entry): void {
    this.#ledger.stale(this.#request, entry);
  }

  /** What would have been a hit. */
  shadowHit(entry: Entry): void {
    this.#ledger.shadowHit(this.#request, entry);
  }

  miss(): void {
    this.#ledger.miss(this.#request);
  }

  /** @param ended see {@link Ledger.collapsed} */
  collapsed(ended: Promise<RecordedCall | undefined>): void {
    this.#ledger.collapsed(this.#request, ended);
  }

  stored(): void {
    this.#ledger.stored(this.#request);
  }

  unstorable(reason: UnstorableReason): void {
    this.#ledger.unstorable(this.#request, reason);
  }
}
