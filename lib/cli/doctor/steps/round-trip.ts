import { ask } from '../redis-session.js';
import { type Finding, StepFailure } from '../step.js';
import type { Session } from './auth.js';

const PINGS = 11;
/** Within a region it is about 1 ms; more than this and somebody will notice. */
const FAR_AWAY_MS = 20;

/** How long Redis takes, measured one PING after the other. */
export async function checkRoundTrip(session: Session): Promise<Finding<true>> {
  const { deadlineMs } = session.options.cache;
  const times: number[] = [];
  for (let index = 0; index < PINGS; index += 1) {
    const startedAt = performance.now();
    await ask(session.redis.ping(), session);
    times.push(performance.now() - startedAt);
  }
  times.sort((one, other) => one - other);
  const median = rounded(times[Math.floor(PINGS / 2)]);
  const [least, most] = [rounded(times[0]), rounded(times.at(-1))];
  const fact = `median ${median} ms of ${PINGS} (${least} to ${most} ms)`;
  const facts = { medianMs: median, leastMs: least, mostMs: most };
  if (median >= deadlineMs) {
    throw new StepFailure(
      fact,
      [
        `Cached routes wait ${deadlineMs} ms for Redis ("cache.deadlineMs") and then go on without: nothing would come from the cache. ` +
          'Use a cache in the same region, or a larger one; raise "cache.deadlineMs" if neither can be.',
      ],
      facts,
    );
  }
  return {
    value: true,
    fact,
    facts,
    advice: median > FAR_AWAY_MS ? ['That is far: is the cache in the same region?'] : [],
  };
}

const rounded = (ms = 0): number => Math.round(ms * 10) / 10;
