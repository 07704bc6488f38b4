import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { CACHE_MANAGER } from '@nestjs/cache-manager';
import {
  AzureRedisModule,
  EntraTokenManager,
  getAzureRedisCredentialToken,
  getAzureRedisOptionsToken,
  getAzureRedisStoreToken,
  getAzureRedisToken,
  type AzureRedisClient,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { duplicateOf } from '../fixtures/connection.js';
import { eventually } from '../fixtures/eventually.js';
import { freshCredential } from '../fixtures/fresh-credential.js';
import { startGateway, type Gateway } from '../fixtures/gateway-app.js';

const PROMPT = 'what-nobody-may-read-in-a-log';
const ANSWER = 'what-was-answered-in-confidence';
const API_KEY = 'sk-the-key-of-the-caller';
const BODY = { model: 'm', messages: [{ role: 'user', content: PROMPT }] };
/** ioredis publishes its commands and connections here. */
const CHANNELS = ['command', 'batch', 'connect'].flatMap((operation) =>
  ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(
    (phase) => `tracing:ioredis:${operation}:${phase}`,
  ),
);

const INSPECT = { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null };

let azure: LocalAzure;
let output: string[];
/** What ioredis itself publishes about commands: values of the cache, but no credential. */
let traced: string[];
const record = (value: unknown): void => void output.push(inspect(value, INSPECT));
const recordTrace = (value: unknown): void => void traced.push(inspect(value, INSPECT));
const originalWrites = { stdout: process.stdout.write, stderr: process.stderr.write };

beforeEach(async () => {
  output = [];
  traced = [];
  azure = await startLocalAzure({ tokenLifetimeMs: 2_000 });
  for (const channel of CHANNELS) subscribe(channel, recordTrace);
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (chunk: string | Uint8Array) => {
      output.push(String(chunk));
      return true;
    };
  }
});
afterEach(async () => {
  Object.assign(process.stdout, { write: originalWrites.stdout });
  Object.assign(process.stderr, { write: originalWrites.stderr });
  for (const channel of CHANNELS) unsubscribe(channel, recordTrace);
  await azure.stop();
});

/** Everything that an application or its operator could print. */
function look(gateway: Gateway): void {
  const { app } = gateway;
  for (const token of [
    getAzureRedisOptionsToken(),
    getAzureRedisCredentialToken(),
    EntraTokenManager,
    getAzureRedisToken(),
    getAzureRedisStoreToken(),
    CACHE_MANAGER,
  ]) {
    record(app.get(token));
  }
  record(app.get(EntraTokenManager).current);
  record(app.get(EntraTokenManager).lastError);
  output.push(...gateway.logger.lines);
}

async function use(gateway: Gateway, client: AzureRedisClient): Promise<void> {
  await Promise.all([
    gateway.get('/stock').then(({ status }) => expect(status).toBe(200)),
    gateway
      .post('/v1/chat/completions', BODY, { authorization: `Bearer ${API_KEY}` })
      .then(({ status }) => expect(status).toBe(200)),
    client.get('key').catch(record),
    duplicateOf(client).quit().catch(record),
  ]);
}

const faults: [string, () => void | Promise<void>][] = [
  ['no fault', () => undefined],
  ['Entra fails', () => azure.entra.fail()],
  ['Entra throttles', () => azure.entra.throttle()],
  ['Entra hangs', () => azure.entra.hang()],
  ['Entra is gone', () => azure.entra.disconnect()],
  ['Redis refuses every AUTH', () => azure.redis.rejectAuth()],
  ['the identity is revoked', () => azure.redis.revoke()],
  ['Redis refuses connections', () => azure.redis.refuse()],
  ['connections are reset', () => azure.redis.kill('rst')],
  ['Redis stalls', () => azure.redis.stall()],
  ['Redis is a black hole', () => azure.redis.blackhole()],
  ['AUTH is slow', () => azure.redis.delayAuth(1_500)],
  ['Redis is read-only', () => azure.redis.failCommands("READONLY You can't write")],
  ['Redis is killed', () => azure.redis.shutdownServer()],
];

describe('no token, secret, key, prompt or answer is shown when', { timeout: 30_000 }, () => {
  it.each(faults)('%s', async (_name, begin) => {
    const { clientSecret } = azure.identity;
    const gateway = await startGateway([
      AzureRedisModule.forRoot({
        ...azure.connection,
        credential: freshCredential(azure),
        redis: { retryStrategy: () => 50 },
        deadlines: { tokenMs: 500, handshakeMs: 700, reauthMs: 500, silenceMs: 1_000 },
      }),
    ]);
    gateway.upstream.answer = async () => ({
      choices: [{ finish_reason: 'stop', message: { content: ANSWER } }],
    });
    const client = gateway.app.get<AzureRedisClient>(getAzureRedisToken());
    client.on('error', record);
    const tokens = gateway.app.get(EntraTokenManager);
    tokens.on('refreshFailed', record);
    tokens.on('refreshed', record);
    const credentials = new Set([clientSecret, API_KEY]);
    const remember = (): void => {
      const token = tokens.current?.reveal();
      // The signature alone would do for a replay of the rest.
      for (const part of token?.split('.') ?? []) credentials.add(part);
    };
    tokens.on('refreshed', remember);
    await eventually('the first token', () => tokens.current !== undefined);
    remember();
    await use(gateway, client);

    await begin();
    // Longer than a token lives: connections expire or are re-authenticated under the fault.
    for (let round = 0; round < 5; round += 1) {
      await Promise.race([use(gateway, client), sleep(600)]);
      look(gateway);
    }
    await gateway.app.close();
    look(gateway);

    expect(credentials.size).toBeGreaterThanOrEqual(2 + 3);
    expect(output.join('').length).toBeGreaterThan(1_000);
    expect(traced.join('').length).toBeGreaterThan(1_000);
    expectNone([...credentials, PROMPT, ANSWER, 'eyJhbGciOi'], output.join('\n'));
    expectNone([...credentials, 'eyJhbGciOi'], traced.join('\n'));
  });
});

/** Says where in the text the secret is. */
function expectNone(secrets: string[], text: string): void {
  for (const secret of secrets) {
    const at = text.indexOf(secret);
    expect(at === -1 ? '' : text.slice(Math.max(0, at - 300), at + 40)).toBe('');
  }
}
