import type { Random } from '../faults.js';
import type { Journal } from '../journal.js';
import type { Job } from './job.js';

export interface Subscription {
  readonly name: string;
  /** Messages may be missed for reasons that no socket shows. */
  readonly mayMiss: boolean;
  publish(message: string): Promise<unknown>;
  /** Calls back with each message, and whenever a socket of the subscriber was lost. */
  listen(onMessage: (message: string) => void, onLoss: () => void): Promise<unknown>;
}

/** With RESP3, a message may be missed only when the subscriber's socket was lost. */
export async function pubSub(
  { name, mayMiss, publish, listen }: Subscription,
  random: Random,
  journal: Journal,
): Promise<Job> {
  const confirmed = new Set<number>();
  let published = 0;
  let last = 0;
  let lostSince = false;
  let receivedAt = 0;
  const receive = (message: string): void => {
    const number = Number(message);
    const missed =
      lostSince || mayMiss ? [] : [...confirmed].filter((each) => last < each && each < number);
    if (missed.length > 0) {
      journal.violated(`${name}: messages ${missed.join()} are missing, yet no socket was lost`);
    }
    if (number > last) journal.messages.received += 1;
    last = Math.max(last, number);
    lostSince = false;
    receivedAt = Date.now();
  };
  await listen(receive, () => (lostSince = true));
  return {
    name,
    pauseMs: () => 20 + random.below(60),
    round: async () => {
      const number = (published += 1);
      await publish(String(number));
      journal.messages.published += 1;
      confirmed.add(number);
      confirmed.delete(number - 1_000);
    },
    finally: {
      wanted: `${name} arrives`,
      holds: () => last === published || !confirmed.has(published),
      seen: () => `${last} of ${published}, ${Date.now() - receivedAt} ms ago`,
    },
  };
}
