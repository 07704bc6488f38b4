import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { createAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import {
  InjectAzureRedis,
  InjectAzureRedisConnection,
  type AzureRedisConnection,
} from 'nestjs-azure-redis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { RotatingApplication, startRotatingAzure, type Ending } from './rotating-application.js';

abstract class Broadcasts implements OnModuleInit, OnModuleDestroy {
  readonly io = new Server();
  readonly #http: HttpAdapterHost;

  constructor(@Inject(HttpAdapterHost) http: HttpAdapterHost) {
    this.#http = http;
  }

  onModuleInit(): void {
    this.io.attach(this.#http.httpAdapter.getHttpServer());
  }

  async onModuleDestroy(): Promise<void> {
    await this.io.close();
  }
}

@Injectable()
class PubSubBroadcasts extends Broadcasts {
  readonly #subscriber: Redis;

  constructor(@Inject(HttpAdapterHost) http: HttpAdapterHost, @InjectAzureRedis() redis: Redis) {
    super(http);
    this.#subscriber = redis.duplicate();
    this.io.adapter(createAdapter(redis, this.#subscriber));
  }

  override async onModuleDestroy(): Promise<void> {
    await super.onModuleDestroy();
    // Not disconnect(): the adapter has just sent its UNSUBSCRIBEs.
    await this.#subscriber.quit();
  }
}

@Injectable()
class StreamBroadcasts extends Broadcasts {
  readonly #azureRedis: AzureRedisConnection;

  constructor(
    @Inject(HttpAdapterHost) http: HttpAdapterHost,
    @InjectAzureRedis() redis: Redis,
    @InjectAzureRedisConnection() azureRedis: AzureRedisConnection,
  ) {
    super(http);
    this.#azureRedis = azureRedis;
    // A closed adapter ends its connections when their XREAD returns.
    this.io.adapter(createStreamsAdapter(redis, { blockTimeInMs: 1_000 }));
  }

  override async onModuleDestroy(): Promise<void> {
    await super.onModuleDestroy();
    // The tokens of the test would not outlive the application for so long.
    await eventually(
      'the adapter has ended its connections',
      () => this.#azureRedis.status.managedConnections === 1,
    );
  }
}

interface Chat {
  readonly application: RotatingApplication;
  /** To every client of every server. */
  emit(event: 'probe' | 'news', number: number): void;
  readonly probes: Set<number>;
  /** What the client of this server got, per server that sent it, in order of arrival. */
  readonly news: Record<number, number[]>;
}

type BroadcastsClass = new (
  http: HttpAdapterHost,
  redis: Redis,
  azureRedis: AzureRedisConnection,
) => Broadcasts;

/** A server with one client. */
async function startChat(
  test: Ending,
  azure: LocalAzure,
  id: number,
  Implementation: BroadcastsClass,
): Promise<Chat> {
  const application = await RotatingApplication.start(test, azure, {
    providers: [{ provide: Broadcasts, useClass: Implementation }],
  });
  const { io } = application.app.get(Broadcasts);
  const probes = new Set<number>();
  const news: Record<number, number[]> = { 0: [], 1: [] };
  const client = connect(await application.app.getUrl(), { transports: ['websocket'] });
  test.onTestFinished(() => client.disconnect());
  client.on('probe', (from: number) => probes.add(from));
  client.on('news', (from: number, number: number) => news[from]?.push(number));
  client.on('disconnect', () => application.report('the client was disconnected'));
  await eventually('the client is connected', () => client.connected);
  return { application, emit: (event, number) => io.emit(event, id, number), probes, news };
}

describe('socket.io on two servers', { timeout: 60_000 }, () => {
  it.concurrent.for<[string, BroadcastsClass]>([
    ['@socket.io/redis-adapter', PubSubBroadcasts],
    ['@socket.io/redis-streams-adapter', StreamBroadcasts],
  ])('delivers every broadcast once and in order, with %s', async ([, Implementation], test) => {
    const azure = await startRotatingAzure(test);
    const start = (id: number) => startChat(test, azure, id, Implementation);
    const chats = [await start(0), await start(1)];
    // The adapters subscribe in the background.
    await eventually('both servers hear each other', () => {
      for (const { emit } of chats) emit('probe', 0);
      return chats.every(({ probes }) => probes.size === chats.length);
    });

    let sent = 0;
    const [first] = chats;
    await first?.application.during(8, () => {
      for (const { emit } of chats) emit('news', sent);
      sent += 1;
    });
    await eventually('every broadcast arrived', () =>
      chats.every(({ news }) => news[0]?.length === sent && news[1]?.length === sent),
    );

    const everyOne = Array.from({ length: sent }, (_, number) => number);
    for (const { application, news } of chats) {
      expect(news).toEqual({ 0: everyOne, 1: everyOne });
      application.expectNoTrouble(azure);
    }
  });
});
