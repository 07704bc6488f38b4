import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Queue, QueueEvents, Worker, type ConnectionOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { AzureRedisConnection } from 'nestjs-azure-redis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { RotatingApplication, startRotatingAzure } from './rotating-application.js';

const QUEUE_CONNECTION = 'QUEUE_CONNECTION';

/** With a hash tag: all keys of a queue are in one slot of a cluster. */
const prefix = '{bull}';

interface Letter {
  readonly number: number;
}

@Injectable()
class Mail implements OnModuleDestroy {
  readonly sent: number[] = [];
  readonly queue: Queue<Letter>;
  readonly worker: Worker<Letter>;
  readonly events: QueueEvents;

  constructor(@Inject(QUEUE_CONNECTION) connection: ConnectionOptions) {
    this.queue = new Queue('mail', { connection, prefix });
    this.worker = new Worker('mail', async ({ data }) => this.sent.push(data.number), {
      connection,
      prefix,
    });
    // From the start of the stream: from '$', what happens before the first XREAD is not told.
    this.events = new QueueEvents('mail', { connection, prefix, lastEventId: '0' });
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.events.close(), this.worker.close()]);
    await this.queue.close();
  }
}

type Connect = (azureRedis: AzureRedisConnection, azure: LocalAzure) => ConnectionOptions;

describe('BullMQ', { timeout: 60_000 }, () => {
  it.concurrent.for<[string, LocalAzure['connection']['topology'], Connect]>([
    ['the injected client', 'standalone', ({ client }) => client],
    ['the injected client of a cluster', 'cluster', ({ client }) => client],
    [
      'an instance handed to authenticate()',
      'standalone',
      (azureRedis, { connection: { host, port, tls } }) =>
        azureRedis.authenticate(new Redis({ host, port, tls, maxRetriesPerRequest: null })),
    ],
  ])(
    'does every job once, through rotations and idle times, with %s',
    async ([, topology, connect], test) => {
      const azure = await startRotatingAzure(test, topology);
      const application = await RotatingApplication.start(test, azure, {
        options: { redis: { maxRetriesPerRequest: null } },
        providers: [
          Mail,
          {
            provide: QUEUE_CONNECTION,
            inject: [AzureRedisConnection],
            useFactory: (azureRedis: AzureRedisConnection) => {
              const connection = connect(azureRedis, azure);
              if (connection instanceof Redis) test.onTestFinished(() => connection.disconnect());
              return connection;
            },
          },
        ],
      });
      const { queue, worker, events, sent } = application.app.get(Mail);
      application.watch('Queue', queue);
      application.watch('Worker', worker);
      application.watch('QueueEvents', events);
      let failed = 0;
      const completed: string[] = [];
      worker.on('failed', () => (failed += 1));
      events.on('completed', ({ jobId }) => completed.push(jobId));

      let posted = 0;
      const post = () => queue.add('letter', { number: posted++ });
      await application.during(3, post);
      // Worker and QueueEvents now block for longer than a token lives.
      await application.during(4);
      await application.during(3, post);
      await eventually('every job is done and told', () => completed.length >= posted);

      const everyOne = Array.from({ length: posted }, (_, number) => number);
      expect(sent.toSorted((a, b) => a - b)).toEqual(everyOne);
      expect(new Set(completed).size).toBe(posted);
      expect(completed).toHaveLength(posted);
      expect(failed).toBe(0);
      application.expectNoTrouble(azure);
    },
  );
});
