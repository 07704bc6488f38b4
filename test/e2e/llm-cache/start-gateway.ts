import { VersioningType, VERSION_NEUTRAL, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  AzureRedisModule,
  getAzureRedisToken,
  type AzureRedisCacheOptions,
  type AzureRedisClient,
} from 'nestjs-azure-redis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { vi } from 'vitest';
import {
  GatewayController,
  PublicCache,
  ScopedController,
  StreamController,
  TenantCache,
  VERSIONS,
} from './gateway.controller.js';

export type Platform = 'express' | 'fastify';

/** What a caller sees of an answer. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly type: string | null;
  /** `X-Cache` */
  readonly cache: string | null;
  /** `Cache-Status` */
  readonly cacheStatus: string | null;
  readonly age: string | null;
  readonly headers: Headers;
}

interface Recorded {
  readonly level: string;
  readonly message: string;
}

/** A Nest application with cached routes, the local Azure behind it. */
export class Gateway {
  readonly log: readonly Recorded[];
  readonly #app: INestApplication;
  readonly #url: string;

  private constructor(app: INestApplication, url: string, log: readonly Recorded[]) {
    this.#app = app;
    this.#url = url;
    this.log = log;
  }

  static async start(
    azure: LocalAzure,
    platform: Platform,
    cache: AzureRedisCacheOptions = {},
  ): Promise<Gateway> {
    const testingModule = await Test.createTestingModule({
      imports: [
        AzureRedisModule.forRoot({ ...azure.connection, credential: azure.credential, cache }),
      ],
      controllers: [GatewayController, StreamController, ScopedController, ...VERSIONS],
      providers: [TenantCache, PublicCache],
    }).compile();
    const log: Recorded[] = [];
    const record = (level: string) => (message: unknown) => {
      log.push({ level, message: String(message) });
    };
    const logger = {
      log: record('log'),
      warn: record('warn'),
      error: record('error'),
      fatal: record('fatal'),
    };
    const app =
      platform === 'express'
        ? testingModule.createNestApplication(new ExpressAdapter(), { logger })
        : testingModule.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), {
            logger,
          });
    app.enableVersioning({
      type: VersioningType.HEADER,
      header: 'x-version',
      defaultVersion: VERSION_NEUTRAL,
    });
    await app.listen(0, '127.0.0.1');
    const gateway = new Gateway(app, await app.getUrl(), log);
    await vi.waitUntil(() => gateway.client.status === 'ready', { timeout: 10_000 });
    return gateway;
  }

  get client(): AzureRedisClient {
    return this.#app.get(getAzureRedisToken());
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  get(path: string): Promise<Answer> {
    return this.#send(path, {});
  }

  /** Names of the recorded LLM answers in Redis. */
  async entries(): Promise<string[]> {
    return (await this.client.keys('*:llm:v3:*')).toSorted();
  }

  close(): Promise<void> {
    return this.#app.close();
  }

  async #send(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(`${this.#url}/${path}`, {
      ...init,
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    // Writes do not delay answers. Redis answers in order, so this one is done after them.
    if (this.client.status === 'ready') await this.client.ping();
    const header = (name: string) => response.headers.get(name);
    return {
      status: response.status,
      text,
      type: header('content-type'),
      cache: header('x-cache'),
      cacheStatus: header('cache-status'),
      age: header('age'),
      headers: response.headers,
    };
  }
}
