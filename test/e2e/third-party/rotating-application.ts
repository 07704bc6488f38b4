import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplication, Provider } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import {
  AzureRedisConnection,
  AzureRedisModule,
  EntraTokenManager,
  type AzureRedisModuleOptions,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { expect } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { RecordingLogger } from '../../fixtures/recording-logger.js';

const TOKEN_LIFETIME_MS = 3_000;
const STEP_MS = 20;
const LEAST_REAUTHENTICATIONS = 3;

/** The test that is to end what is started here; concurrent tests have each their own. */
export interface Ending {
  onTestFinished(end: () => unknown): void;
}

/** A local Azure whose tokens are replaced every 1 to 2 s. */
export async function startRotatingAzure(
  test: Ending,
  topology: LocalAzure['connection']['topology'] = 'standalone',
): Promise<LocalAzure> {
  const azure = await startLocalAzure({ topology, tokenLifetimeMs: TOKEN_LIFETIME_MS });
  test.onTestFinished(async () => {
    try {
      // The applications are closed by now, and with them what the recipes opened.
      await eventually('no connection is left open', () => azure.redis.connections === 0);
    } finally {
      await azure.stop();
    }
  });
  return azure;
}

/** A Nest application with the module as the recipes have it, on a port of its own. */
export class RotatingApplication {
  readonly app: INestApplication;
  readonly #errors: string[] = [];
  readonly #logger: RecordingLogger;
  #rotations = 0;
  #reauthentications = 0;

  private constructor(app: INestApplication, logger: RecordingLogger) {
    this.app = app;
    this.#logger = logger;
    const connection = app.get(AzureRedisConnection);
    this.watch('the client', connection.client);
    connection.on('reauthenticated', () => (this.#reauthentications += 1));
    connection.on('connectionExpired', ({ endpoint }) => this.#errors.push(`expired: ${endpoint}`));
  }

  static async start(
    test: Ending,
    azure: LocalAzure,
    parts: {
      options?: AzureRedisModuleOptions;
      providers?: Provider[];
      controllers?: (new (...args: never[]) => object)[];
      /** Runs before the application listens. */
      prepare?: (app: INestApplication) => void;
    },
  ): Promise<RotatingApplication> {
    const logger = new RecordingLogger();
    const testing = await Test.createTestingModule({
      imports: [
        AzureRedisModule.forRoot({
          ...azure.connection,
          credential: azure.credential,
          ...parts.options,
        }),
      ],
      providers: parts.providers ?? [],
      controllers: parts.controllers ?? [],
    })
      .setLogger(logger)
      .compile();
    const app = testing.createNestApplication(new ExpressAdapter());
    const application = new RotatingApplication(app, logger);
    parts.prepare?.(app);
    test.onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    await app.get(AzureRedisConnection).client.ping();
    app.get(EntraTokenManager).on('refreshed', () => (application.#rotations += 1));
    return application;
  }

  /** Whatever this reports as 'error' fails the test. */
  watch(what: string, emitter: Pick<EventEmitter, 'on'>): void {
    emitter.on('error', (error: unknown) => this.#errors.push(`${what}: ${String(error)}`));
  }

  /** Fails the test. */
  report(trouble: string): void {
    this.#errors.push(trouble);
  }

  /** Does the step again and again until the token has been replaced so many times. */
  async during(rotations: number, step: () => unknown = () => undefined): Promise<void> {
    const until = this.#rotations + rotations;
    const deadline = Date.now() + rotations * 5 * TOKEN_LIFETIME_MS;
    while (this.#rotations < until) {
      if (Date.now() > deadline) throw new Error(`Fewer than ${rotations} rotations in time`);
      await step();
      await sleep(STEP_MS);
    }
  }

  expectNoTrouble(azure: LocalAzure): void {
    const { rejected, expired } = azure.redis;
    const errors = [...this.#errors, ...this.#logger.linesLike(/^(warn|error)/)];
    expect({ errors, rejected, expired }).toEqual({ errors: [], rejected: 0, expired: 0 });
    // And not because everything was connected anew.
    expect(this.#reauthentications).toBeGreaterThanOrEqual(LEAST_REAUTHENTICATIONS);
  }
}
