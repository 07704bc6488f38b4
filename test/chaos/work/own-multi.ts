import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Random } from '../faults.js';
import type { Journal } from '../journal.js';
import { resultsOf } from './clients.js';
import type { Job } from './job.js';

/** A transaction whose connection was lost half way; nobody but its author could repeat it. */
export const CUT_TRANSACTION = 'cut by a lost connection';

/**
 * `multi({ pipeline: false })`, open for a while: an AUTH in between would become part of it, and
 * the user's EXEC would return one result too many.
 */
export function ownMulti(client: Redis, random: Random, journal: Journal): Job {
  let step = 0;
  let closes = 0;
  client.on('close', () => (closes += 1));
  return {
    name: 'own MULTI',
    pauseMs: () => 30 + random.below(100),
    round: async () => {
      const closesBefore = closes;
      try {
        // Before the transaction, so that no reconnect is under way when it starts.
        await client.ping();
        const value = String((step += 1));
        await client.multi({ pipeline: false });
        await client.set('own-multi', value);
        await sleep(random.below(120));
        await client.get('own-multi');
        const replies = await client.exec();
        if (closes === closesBefore) expectTwoResults(replies, value, journal);
      } catch (error) {
        await client.discard().catch(() => undefined);
        if (closes === closesBefore) throw error;
        throw new Error(`${CUT_TRANSACTION}: ${String(error)}`, { cause: error });
      }
    },
  };
}

function expectTwoResults(
  replies: [Error | null, unknown][] | null,
  value: string,
  journal: Journal,
): void {
  const results = resultsOf(replies);
  if (results.length !== 2 || results[1] !== value) {
    journal.violated(
      `EXEC of an own MULTI gave ${JSON.stringify(results)}, wanted OK and ${value}`,
    );
  }
}
