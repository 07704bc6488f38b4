import { describe, expect, it, onTestFinished } from 'vitest';
import { startLocalAzure } from '../../../lib/testing/index.js';
import { clusterClient } from './cluster-client.js';
import { handshake, redisClient } from './local-azure.js';

describe('the Enterprise policy', () => {
  it.each(['standalone', 'cluster'] as const)('refuses CLUSTER commands (%s)', async (topology) => {
    const azure = await startLocalAzure({ topology, clusterCommands: 'refused' });
    onTestFinished(() => azure.stop());
    const client = redisClient(azure);
    expect(await handshake(client)).toBe('ready');
    await expect(client.call('CLUSTER', 'SLOTS')).rejects.toThrow('ERR command is not allowed');
    await expect(client.call('cluster', 'nodes')).rejects.toThrow('ERR command is not allowed');
    expect(await client.ping()).toBe('PONG');
  });

  it('leaves a cluster client without nodes', async () => {
    const azure = await startLocalAzure({ clusterCommands: 'refused' });
    onTestFinished(() => azure.stop());
    await expect(clusterClient(azure).get('key')).rejects.toThrow(
      /None of startup nodes|slots cache/,
    );
  });
});
