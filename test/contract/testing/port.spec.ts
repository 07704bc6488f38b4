import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { startLocalAzure } from '../../../lib/testing/index.js';
import { redisClient, tcp } from './local-azure.js';

/** Hoped to be free, with those that follow it. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

it.each([
  ['standalone', 1],
  ['cluster', 3],
] as const)('Redis listens on the port that is asked for (%s)', async (topology, nodes) => {
  const port = await freePort();
  const azure = await startLocalAzure({ topology, port });
  onTestFinished(() => azure.stop());
  expect(azure.connection.port).toBe(port);
  expect(azure.redis.ports).toEqual(Array.from({ length: nodes }, (_, node) => port + node));
  expect(await redisClient(azure).ping()).toBe('PONG');
});

it('a port that is taken is reported, and nothing stays', async () => {
  const port = await freePort();
  const azure = await startLocalAzure({ port });
  onTestFinished(() => azure.stop());
  await expect(startLocalAzure({ port })).rejects.toMatchObject({
    code: 'NO_FREE_PORT',
    message: expect.stringContaining(`Expected port ${port} on 127.0.0.1 to be free`),
  });
  await expect(startLocalAzure({ topology: 'cluster', port: port - 1 })).rejects.toMatchObject({
    code: 'NO_FREE_PORT',
  });
  expect(await tcp(port - 1)).toBe('ECONNREFUSED');
});
