import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startLocalAzure } from 'nestjs-azure-redis/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { open } from '../fixtures/connection.js';
import { eventually } from '../fixtures/eventually.js';

/** `npm run test:soak` runs it for 60 s. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 10);
const TOKEN_LIFETIME_MS = 5_000;
const WORKERS = 4;

describe.each(['standalone', 'cluster'] as const)(
  '%s',
  { timeout: (SECONDS + 60) * 1_000 },
  (topology) => {
    it(`loses nothing in ${SECONDS} s of traffic with 5 s tokens`, async ({ annotate }) => {
      const azure = await startLocalAzure({ topology, tokenLifetimeMs: TOKEN_LIFETIME_MS });
      onTestFinished(() => azure.stop());
      const { client, connection, errors } = open(azure);
      const subscriber = client instanceof Redis ? client.duplicate() : client;
      onTestFinished(() => subscriber.disconnect());
      let received = 0;
      subscriber.on('message', () => (received += 1));
      await subscriber.subscribe('soak');

      const failures: string[] = [];
      let commands = 0;
      let published = 0;
      const until = Date.now() + SECONDS * 1_000;
      const attempt = async (command: () => Promise<unknown>): Promise<void> => {
        commands += 1;
        await command().catch((error: unknown) => failures.push(String(error)));
      };
      const work = async (worker: number): Promise<void> => {
        for (let step = 0; Date.now() < until; step += 1) {
          const key = `{${worker}}:${step % 100}`;
          await attempt(() => client.set(key, String(step)));
          await attempt(() => client.get(key));
          await attempt(() => client.multi().incr(`{${worker}}:n`).get(key).exec());
          await attempt(() => client.pipeline().get(key).exists(key).exec());
          await sleep(2);
        }
      };
      const publish = async (): Promise<void> => {
        while (Date.now() < until) {
          published += 1;
          await attempt(() => client.publish('soak', String(published)));
          await sleep(10);
        }
      };
      await Promise.all([publish(), ...Array.from({ length: WORKERS }, (_, index) => work(index))]);
      await eventually('every message arrived', () => received === published);

      const { auths, rejected, expired } = azure.redis;
      await annotate(
        `${topology}: ${commands} commands, ${published} messages, ${connection.connections.live.size} connections, ` +
          `${auths} AUTHs; ${failures.length} errors, ${rejected} rejected AUTHs, ${expired} closed by expiry`,
      );
      expect(failures).toEqual([]);
      expect(errors).toEqual([]);
      expect({ rejected, expired }).toEqual({ rejected: 0, expired: 0 });
      expect(auths).toBeGreaterThan(SECONDS / 5);
    });
  },
);
