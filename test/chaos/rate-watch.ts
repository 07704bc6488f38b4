import type { LocalAzure } from 'nestjs-azure-redis/testing';

const WINDOW_MS = 1_000;

interface Sample {
  readonly auths: number;
  readonly rejected: number;
  readonly tokenRequests: number;
}

/** Looks once a second how much the service is asked for, and what it refuses. */
export class RateWatch implements Disposable {
  readonly #azure: LocalAzure;
  readonly #timer: NodeJS.Timeout;
  #last: Sample;
  readonly peaks = { auths: 0, tokenRequests: 0 };

  /** @param onRejected AUTHs were refused between these moments */
  constructor(azure: LocalAzure, onRejected: (count: number, from: number, until: number) => void) {
    this.#azure = azure;
    this.#last = this.#sample();
    let lastAt = Date.now();
    this.#timer = setInterval(() => {
      const [last, now] = [this.#last, this.#sample()];
      this.#last = now;
      const seconds = Math.max(1, (Date.now() - lastAt) / WINDOW_MS);
      const peak = (kind: keyof typeof this.peaks, count: number): void => {
        this.peaks[kind] = Math.max(this.peaks[kind], Math.round(count / seconds));
      };
      peak('auths', now.auths + now.rejected - last.auths - last.rejected);
      peak('tokenRequests', now.tokenRequests - last.tokenRequests);
      if (now.rejected > last.rejected) {
        onRejected(now.rejected - last.rejected, lastAt, Date.now());
      }
      lastAt = Date.now();
    }, WINDOW_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): Sample {
    const { redis, entra } = this.#azure;
    return { auths: redis.auths, rejected: redis.rejected, tokenRequests: entra.requests };
  }
}
