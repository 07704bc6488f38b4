import { entraError, type EntraReply } from './entra-exchange.js';
import type { EntraFailure } from './local-entra.interface.js';

/** What happens to the next request instead of an answer. */
export type FaultOutcome = 'hang' | 'disconnect' | EntraReply | undefined;

/** The fault in force, if any; a new one replaces the one before. */
export class EntraFault {
  #now: 'hang' | 'disconnect' | { readonly reply: EntraReply; left: number } | undefined;

  set(fault: 'hang' | 'disconnect' | undefined): void {
    this.#now = fault;
  }

  fail({ status = 500, error, times = Infinity, retryAfterSeconds = 1 }: EntraFailure): void {
    const [code, text, defaultError] = wording(status);
    this.#now = {
      left: times,
      reply: {
        ...entraError(status, error ?? defaultError, code, text),
        ...(retryAfterSeconds > 0 ? { headers: { 'retry-after': String(retryAfterSeconds) } } : {}),
      },
    };
  }

  next(isTokenRequest: boolean): FaultOutcome {
    const fault = this.#now;
    if (typeof fault !== 'object') return fault;
    if (!isTokenRequest || fault.left <= 0) return undefined;
    fault.left -= 1;
    return fault.reply;
  }
}

function wording(status: number): [code: number, text: string, error: string] {
  if (status === 429)
    return [90055, 'There are too many incoming requests.', 'temporarily_unavailable'];
  if (status >= 500) {
    return [90033, 'A transient error has occurred. Please try again.', 'temporarily_unavailable'];
  }
  return [900144, 'The local Entra was told to refuse this request.', 'invalid_request'];
}
