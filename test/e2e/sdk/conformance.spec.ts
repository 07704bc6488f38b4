import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { getAzureRedisToken, LlmCacheService, type AzureRedisClient } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGateway } from '../../../sample/01-llm-gateway/gateway/create-gateway.js';
import { listen } from '../../../sample/01-llm-gateway/gateway/listen.js';
import {
  startLocalModelServer,
  type LocalModelServer,
} from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import { eventually } from '../../fixtures/eventually.js';
import { clientsOf, type Clients, type Endpoint } from './clients.js';
import { AI_SDK, ANTHROPIC, LANGCHAIN, OPENAI, type Conversation } from './conversations.js';

let azure: LocalAzure;
let models: LocalModelServer;
beforeAll(async () => {
  azure = await startLocalAzure();
  models = await startLocalModelServer({ firstTokenMs: [0, 0], tokensPerSecond: 20_000 });
}, 60_000);
afterAll(async () => {
  await models.close();
  await azure.stop();
});

type Door = (gateway: INestApplication) => Promise<Endpoint>;

const throughGateway: Door = async (gateway) => ({ url: await listen(gateway, '0') });
const throughFetch: Door = async (gateway) => {
  await gateway.init();
  return { url: models.url.replace(/\/v1$/, ''), fetch: gateway.get(LlmCacheService).fetch };
};

describe.each([
  ['the gateway on Express', () => new ExpressAdapter(), throughGateway],
  ['the gateway on Fastify', () => new FastifyAdapter(), throughGateway],
  ['LlmCacheService.fetch', () => new ExpressAdapter(), throughFetch],
] as const)('through %s', (name, newAdapter, door) => {
  let gateway: INestApplication;
  let clients: Clients;
  let redis: AzureRedisClient;
  beforeAll(async () => {
    const upstream = { description: 'local', baseUrl: models.url, authorization: 'none' } as const;
    gateway = await createGateway({ localAzure: azure, upstream }, newAdapter());
    clients = clientsOf(await door(gateway), `caller of ${name}`);
    redis = gateway.get(getAzureRedisToken());
    await eventually('Redis is ready', () => redis.status === 'ready');
  }, 30_000);
  afterAll(() => gateway.close());

  /** The second time nothing is asked for, and the client tells its user the same. */
  const expectTheSame = async (what: string, talk: Conversation): Promise<void> => {
    const question = `${name}: ${what}`;
    const asked = models.requests;
    const first = await talk(clients, question);
    expect(models.requests - asked).toBe(1);
    // From Redis, not from the memory of the process that still stores it.
    await sleep(20);
    await redis.ping();
    const second = await talk(clients, question);
    expect(models.requests - asked).toBe(1);
    expect(withoutIdsAndTimes(second)).toEqual(withoutIdsAndTimes(first));
  };

  describe.each([
    ['openai', OPENAI],
    ['@anthropic-ai/sdk', ANTHROPIC],
    ['ai', AI_SDK],
    ['LangChain', LANGCHAIN],
  ])('%s tells the same on a hit:', (client, conversations) => {
    it.each(Object.entries(conversations))('%s', (what, talk) =>
      expectTheSame(`${client} ${what}`, talk),
    );
  });
});

/** Of the answer, of the HTTP exchange, and padding that is random by design. */
const FRESH = new Set([
  'id',
  'response_id',
  'created',
  'created_at',
  'completed_at',
  'timestamp',
  'headers',
  'request_id',
  '_request_id',
  'obfuscation',
  // How fast the AI SDK found the answer to be.
  'performance',
]);

function withoutIdsAndTimes(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name: string, member: unknown) =>
      FRESH.has(name) ? undefined : member,
    ),
  );
}
