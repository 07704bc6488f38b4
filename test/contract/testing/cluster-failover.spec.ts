import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { keyOfNode, portsOf, sorted } from './cluster-client.js';
import { expectLoad, reconnecting, startCluster, underLoad } from './cluster-load.js';
import { command, handshake, redisClient, tcp } from './local-azure.js';

/** What comes back over plain TCP to each message in turn, until the server hangs up or is done. */
async function inTheClear(port: number, messages: readonly Buffer[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => {
    socket.destroy();
  });
  const state = { text: '', isClosed: false };
  socket.setEncoding('latin1').on('data', (text: string) => (state.text += text));
  socket.on('error', () => undefined).on('close', () => (state.isClosed = true));
  for (const [index, message] of messages.entries()) {
    socket.write(message);
    await eventually(
      'an answer or the end',
      () => state.isClosed || state.text.split('\r\n').length > index + 1,
    );
  }
  return state.text.startsWith('-') || state.text.startsWith('+') ? state.text : '';
}

describe('a cluster with replicas', { timeout: 60_000 }, () => {
  it('announces them behind front doors, and they serve reads', async () => {
    const azure = await startCluster({ replicas: 1 });
    expect(azure.redis.ports).toHaveLength(6);
    const client = reconnecting(azure, 'slave');
    const { key } = await keyOfNode(client, 0);
    await client.set(key, 'value');
    expect(portsOf(client, 'master')).toEqual(sorted(azure.redis.ports.slice(0, 3)));
    expect(portsOf(client, 'slave')).toEqual(sorted(azure.redis.ports.slice(3)));
    await eventually('the replica has it', async () => (await client.get(key)) === 'value');
  });

  it('counts no replica as a client', async () => {
    const azure = await startCluster({ replicas: 1 });
    expect(azure.redis.connections).toBe(0);
    expect(azure.redis.auths + azure.redis.rejected + azure.redis.commands).toBe(0);
  });

  it('lets only replicas in without TLS', async () => {
    const azure = await startCluster({ replicas: 1 });
    const [port = 0] = azure.redis.ports;
    const { objectId } = azure.identity;
    const clientHello = command('HELLO', '3', 'AUTH', objectId, azure.entra.issue());
    expect(await inTheClear(port, [clientHello])).toBe('');
    const asReplica = [command('PING'), command('AUTH', objectId, azure.entra.issue())];
    expect(await inTheClear(port, asReplica)).toMatch(/^-NOAUTH .*\r\n-WRONGPASS /);
    expect(await handshake(redisClient(azure))).toBe('ready');
  });

  it('fails over under load, forth and back, and loses nothing', async () => {
    const azure = await startCluster({ replicas: 1 });
    const client = reconnecting(azure);
    await underLoad(client, async () => {
      expect(await azure.redis.failover()).toBe(3);
      expect(await azure.redis.failover(0)).toBe(0);
      expect(await azure.redis.failover(3)).toBe(3);
      expect(await azure.redis.failover(1)).toBe(4);
    });
    await expectLoad(client);
    await eventually('the client knows the new masters', () =>
      portsOf(client, 'master').includes(azure.redis.ports[3] ?? 0),
    );
    expect(azure.redis.rejected).toBe(0);
  });

  it('survives the death of a master, which comes back as a replica', async () => {
    const azure = await startCluster({ replicas: 1 });
    const client = reconnecting(azure);
    const [dead = 0, , , heir = 0] = azure.redis.ports;
    await underLoad(client, async () => {
      expect(await azure.redis.killMaster(0)).toBe(3);
    });
    await expectLoad(client);
    expect(await tcp(dead)).toBe('ECONNREFUSED');
    azure.redis.recover();
    expect(await tcp(dead)).toBe('ECONNREFUSED');
    await eventually('the client forgot it', () => !portsOf(client, 'all').includes(dead));
    expect(portsOf(client, 'master')).toContain(heir);
    await expect(azure.redis.failover(3)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });

    await azure.redis.restartNode(0);
    const fresh = reconnecting(azure, 'slave');
    await fresh.ping();
    expect(portsOf(fresh, 'slave')).toContain(dead);
    expect(await underLoad(fresh, () => azure.redis.failover(3))).toBe(0);
    await expectLoad(reconnecting(azure));
  });

  it('starts again with all its nodes after a master was killed', async () => {
    const azure = await startCluster({ replicas: 1 });
    await azure.redis.killMaster(2);
    await azure.redis.restartServer();
    const client = reconnecting(azure);
    await client.set('key', 'value');
    expect(portsOf(client, 'all')).toEqual(sorted(azure.redis.ports));
  });

  it('refuses to fail over when there is no replica', async () => {
    const azure = await startCluster();
    for (const change of [azure.redis.failover(0), azure.redis.killMaster(1)]) {
      await expect(change).rejects.toMatchObject({
        code: 'NOT_SUPPORTED',
        message: expect.stringMatching(/replicas: 1/),
      });
    }
    await expect(azure.redis.failover(3)).rejects.toThrow('Expected a node from 0 to 2, got 3');
  });
});

describe('a change of a cluster that does not answer', { timeout: 60_000 }, () => {
  it('fails in bounded time, and works when the cluster answers again', async () => {
    const azure = await startCluster({ replicas: 1 });
    azure.redis.freeze();
    await expect(azure.redis.failover()).rejects.toThrow(/timed out/);
    azure.redis.thaw();
    expect(await azure.redis.failover()).toBe(3);
  });
});
