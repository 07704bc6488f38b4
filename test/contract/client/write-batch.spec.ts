import { once } from 'node:events';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../fixtures/connection.js';

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterAll(() => azure.stop());

async function standalone(): Promise<Redis> {
  const { client } = open(azure);
  if (!(client instanceof Redis)) throw new Error('Expected a standalone client');
  await client.ping();
  return client;
}

describe('commands of a connection', () => {
  it('go out at once when nothing is under way', async () => {
    const client = await standalone();
    const reply = client.ping();
    expect(client.stream.writableCorked).toBe(0);
    await reply;
  });

  it('go out together at the end of the turn when replies are awaited', async () => {
    const client = await standalone();
    const first = client.ping();
    expect(client.stream.writableCorked).toBe(0);
    const others = Array.from({ length: 100 }, (_, index) => client.echo(`number ${index}`));
    expect(client.stream.writableCorked).toBe(1);
    await endOfTurn();
    expect(client.stream.writableCorked).toBe(0);
    expect(await first).toBe('PONG');
    expect(await Promise.all(others)).toStrictEqual(others.map((_, index) => `number ${index}`));
  });

  it('keep their order with transactions, pipelines and AUTH between them', async () => {
    const client = await standalone();
    const token = azure.entra.issue();
    const replies = await Promise.all([
      client.set('order', '0'),
      client.incr('order'),
      client.multi().incr('order').get('order').exec(),
      client.auth(azure.identity.objectId, token),
      client.pipeline().incr('order').incr('order').exec(),
      client.get('order'),
    ]);
    expect(replies).toStrictEqual([
      'OK',
      1,
      [
        [null, 2],
        [null, '2'],
      ],
      'OK',
      [
        [null, 3],
        [null, 4],
      ],
      '4',
    ]);
  });

  it('are sent again when the socket is lost before the end of the turn', async () => {
    const client = await standalone();
    const lost = [client.set('lost', 'a'), client.append('lost', 'b')];
    client.stream.destroy();
    await once(client, 'ready');
    await Promise.all(lost);
    expect(await client.get('lost')).toBe('ab');
    expect(client.stream.writableCorked).toBe(0);
  });
});
