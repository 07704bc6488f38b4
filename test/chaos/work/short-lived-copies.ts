import { Cluster } from 'ioredis';
import type { Random } from '../faults.js';
import type { Journal } from '../journal.js';
import { copyOf, type Client } from './clients.js';
import type { Job } from './job.js';

/** Duplicates, and duplicates of duplicates, that come and go: used, or ended while they wait. */
export function shortLivedCopies(client: Client, random: Random, journal: Journal): Job {
  return {
    name: 'duplicates',
    pauseMs: () => 150 + random.below(500),
    round: async () => {
      const first = copyOf(client, journal);
      const copies = random.below(2) === 0 ? [first, copyOf(first, journal)] : [first];
      await Promise.all(copies.map((copy) => useAndEnd(copy, random)));
    },
  };
}

async function useAndEnd(copy: Client, random: Random): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    copy.once('end', resolve);
  });
  const endsWhileConnecting = random.below(3) > 0;
  try {
    if (endsWhileConnecting) {
      copy.connect().catch(() => undefined);
      if (random.below(2) === 0) await quit(copy);
    } else {
      await copy.get('key');
      await quit(copy);
    }
  } finally {
    copy.disconnect();
  }
  // An ioredis Cluster that is ended before it knows its nodes says 'disconnecting' for ever.
  if (!(copy instanceof Cluster && endsWhileConnecting)) await ended;
}

/** QUIT that is answered by the end of the connection has done its work. */
async function quit(copy: Client): Promise<void> {
  await copy.quit().catch((error: unknown) => {
    if (!/Connection is closed/.test(String(error))) throw error;
  });
}
