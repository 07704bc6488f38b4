import type { AzureRedisErrorCode } from '../azure-redis.errors.js';
import type { AzureRedisConnectionStatus } from '../client/azure-redis-connection.js';
import type { Reach } from './reach.js';

/** What is known of a connection. */
export interface Symptoms {
  readonly status: AzureRedisConnectionStatus;
  readonly reach: Reach;
  readonly timeoutMs: number;
  /** Why it is not connected. */
  readonly connectionError: AzureRedisErrorCode | undefined;
  /** Why there is no newer token. */
  readonly tokenError: AzureRedisErrorCode | undefined;
  /** Of the cache. */
  readonly storeTrouble: 'unanswered' | 'refused' | undefined;
}

/**
 * `degraded`: requests are served, and most of them from the cache, but that may end or is not
 * complete. The reasons name no host, no identity and no text of an error.
 */
export interface Verdict {
  readonly state: 'up' | 'degraded' | 'down';
  readonly reasons: readonly string[];
}

export function verdictOn(symptoms: Symptoms): Verdict {
  const down = [...unreachable(symptoms)];
  const degraded = [...partlyUnreachable(symptoms), ...lacksToken(symptoms), ...pauses(symptoms)];
  const state = down.length > 0 ? 'down' : degraded.length > 0 ? 'degraded' : 'up';
  return { state, reasons: [...down, ...degraded] };
}

function* unreachable({ reach, connectionError, timeoutMs }: Symptoms): Generator<string> {
  if (!reach.isConnected) {
    yield `Redis is not connected${codeOf(connectionError)}. The log of the application says what to do.`;
  } else if (reach.answering === 0) {
    yield `Redis did not answer PING within ${timeoutMs} ms.`;
  }
}

/** The other masters still serve their keys. */
function* partlyUnreachable({ reach, timeoutMs }: Symptoms): Generator<string> {
  const { masters, answering } = reach;
  if (answering === 0 || answering === masters) return;
  yield `${masters - answering} of ${masters} masters did not answer PING within ${timeoutMs} ms.`;
}

function* lacksToken({ status, tokenError }: Symptoms): Generator<string> {
  const { consecutiveFailures, secondsToExpiry } = status;
  if (secondsToExpiry === undefined) {
    yield `There is no valid token${codeOf(tokenError)}. Redis closes each connection when its token runs out.`;
  } else if (consecutiveFailures > 0) {
    yield (
      `Requests for a new token failed, ${consecutiveFailures} in a row${codeOf(tokenError)}. ` +
      `The present one expires in ${secondsToExpiry} s.`
    );
  }
}

function* pauses({ reach, storeTrouble }: Symptoms): Generator<string> {
  // Then it is no news.
  if (reach.answering === 0) return;
  if (storeTrouble === 'unanswered') {
    yield 'Redis did not answer the cache in time. Requests are served without it until Redis does.';
  } else if (storeTrouble === 'refused') {
    yield 'Redis refuses operations of the cache. The log of the application says which and why.';
  }
}

const codeOf = (code: AzureRedisErrorCode | undefined): string =>
  code === undefined ? '' : ` (${code})`;
