import type { Redis } from 'ioredis';
import { withDeadline } from '../azure-redis.deadline.js';
import type { AzureRedisClient } from '../client/create-client.js';

/** Which part of Redis answers. */
export interface Reach {
  /** Whether the client got ready in time; without that nothing is asked. */
  readonly isConnected: boolean;
  /** One, or those of a cluster. */
  readonly masters: number;
  readonly answering: number;
  /** Until the last answer, in whole milliseconds. */
  readonly pingMs: number;
}

const OUT_OF_REACH: Reach = { isConnected: false, masters: 0, answering: 0, pingMs: 0 };

/** Asks every master with a PING, on the connections that the client has anyway. */
export class ReachCheck {
  readonly #underWay = new WeakMap<Redis, Promise<unknown>>();

  /** Takes at most `deadlineMs`; never throws. */
  async of(client: AzureRedisClient, deadlineMs: number): Promise<Reach> {
    const startedAt = performance.now();
    // Before that, commands wait in a queue and are sent much later.
    if (!(await isReady(client, deadlineMs))) return OUT_OF_REACH;
    const askedAt = performance.now();
    const leftMs = Math.max(1, deadlineMs - (askedAt - startedAt));
    const masters = 'nodes' in client ? client.nodes('master') : [client];
    const answers = await Promise.all(masters.map((master) => this.#answers(master, leftMs)));
    return {
      isConnected: true,
      masters: masters.length,
      answering: answers.filter(Boolean).length,
      pingMs: Math.round(performance.now() - askedAt),
    };
  }

  async #answers(master: Redis, deadlineMs: number): Promise<boolean> {
    try {
      await withDeadline(this.#ping(master), deadlineMs, () => new Error('Too late.'));
      return true;
    } catch {
      return false;
    }
  }

  /** One at a time: while a node is silent, the PINGs of all checks would wait for its answers. */
  #ping(master: Redis): Promise<unknown> {
    const present = this.#underWay.get(master);
    if (present !== undefined) return present;
    const ping = master.ping().finally(() => this.#underWay.delete(master));
    this.#underWay.set(master, ping);
    return ping;
  }
}

/** A connection that is lost is replaced within milliseconds, if it can be. */
async function isReady(client: AzureRedisClient, deadlineMs: number): Promise<boolean> {
  if (client.status === 'ready') return true;
  let onReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  client.once('ready', onReady);
  try {
    await withDeadline(ready, deadlineMs, () => new Error('Too late.'));
    return true;
  } catch {
    return false;
  } finally {
    client.off('ready', onReady);
  }
}
