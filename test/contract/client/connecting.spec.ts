import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { inspect } from 'node:util';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCertificateAuthority } from '../../../lib/testing/certificates.js';
import { duplicateOf, open } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';
import { freshCredential } from '../../fixtures/fresh-credential.js';

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterEach(() => {
  azure.entra.recover();
  azure.redis.recover();
});
afterAll(() => azure.stop());

describe('a connection', () => {
  it('authenticates with the object id and the token, and keeps both out of sight', async () => {
    const { client, tokens } = open(azure);
    expect(await client.call('ACL', 'WHOAMI')).toBe(azure.identity.objectId);
    const secret = tokens.current?.reveal() ?? 'no token';
    expect(secret).toMatch(/^eyJ/);
    expect(inspect(client, { depth: 8, showHidden: true })).not.toContain(secret);
    expect(JSON.stringify(client.options)).not.toContain(secret);
  });

  it('selects the db, keeps the connection name and passes ioredis options through', async () => {
    const { client } = open(azure, { db: 3, redis: { connectionName: 'mine' } });
    expect(await client.call('CLIENT', 'INFO')).toMatch(/name=mine .*db=3/s);
  });

  it('sends the current token after every reconnect, also from a duplicate of a duplicate', async () => {
    const { client } = open(azure);
    const copy = duplicateOf(client);
    const copyOfCopy = duplicateOf(copy);
    onTestFinished(() => {
      copy.disconnect();
      copyOfCopy.disconnect();
    });
    for (let round = 0; round < 3; round += 1) {
      await Promise.all([client.ping(), copy.ping(), copyOfCopy.ping()]);
      azure.redis.kill(round % 2 === 0 ? 'rst' : 'fin');
    }
    await Promise.all([client.ping(), copy.ping(), copyOfCopy.ping()]);
    expect(azure.redis.rejected).toBe(0);
  });

  it('waits for the first token and keeps what was queued meanwhile', async () => {
    azure.entra.disconnect();
    const { client, tokens } = open(azure, { credential: freshCredential(azure) });
    const queued = client.set('queued', 'kept');
    await eventually('Entra failed twice', () => tokens.consecutiveFailures >= 2);
    azure.entra.recover();
    await expect(queued).resolves.toBe('OK');
  });

  it('opens no socket when it is closed while it waits for a token', async () => {
    azure.entra.hang();
    const { connection } = open(azure, { credential: freshCredential(azure) });
    const before = azure.redis.connections;
    connection.client.connect().catch(() => undefined);
    await connection.close();
    azure.entra.recover();
    expect(azure.redis.connections).toBe(before);
    expect(connection.client.status).toBe('end');
  });

  it('opens no socket after disconnect(), when the token it waited for comes', async () => {
    azure.entra.hang();
    const { client, tokens } = open(azure, { credential: freshCredential(azure) });
    const before = azure.redis.connections;
    client.connect().catch(() => undefined);
    await eventually('it waits', () => client.status === 'connecting');
    client.disconnect();
    azure.entra.recover();
    await tokens.acquire(20_000);
    await sleep(200);
    expect(azure.redis.connections).toBeLessThanOrEqual(before);
    expect(client.status).toBe('end');
  });

  it('is closed at once while it waits to reconnect, and tries no more', async () => {
    const { client, connection, errors } = open(azure);
    await client.ping();
    azure.redis.refuse();
    await eventually('it waits', () => client.status === 'reconnecting');
    const startedAt = performance.now();
    await connection.close();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    const { length } = errors;
    await sleep(500);
    expect(errors).toHaveLength(length);
  });

  it('recovers by itself after Redis refused connections', async () => {
    const { client, logger } = open(azure);
    await client.ping();
    azure.redis.refuse();
    azure.redis.kill();
    await eventually('the outage is logged', () => logger.linesLike(/unavailable/).length > 0);
    azure.redis.recover();
    await expect(client.ping()).resolves.toBe('PONG');
    await eventually(
      'the recovery is logged',
      () => logger.linesLike(/^log Connected/).length === 2,
    );
    expect(logger.lines).toHaveLength(3);
  });

  it('ends a handshake that Redis never answers, and tries again', async () => {
    azure.redis.stall();
    const { client, errors } = open(azure, { deadlines: { handshakeMs: 300 } });
    await eventually('the watchdog fires', () =>
      errors.some((text) => /HELLO\/AUTH within 300 ms/.test(text)),
    );
    azure.redis.recover();
    await expect(client.ping()).resolves.toBe('PONG');
  });
});

describe('an error', () => {
  it('of the handshake shows no token, neither to listeners nor to queued commands', async () => {
    azure.redis.rejectAuth(1);
    const { client, tokens } = open(azure);
    const seen: unknown[] = [];
    client.on('error', (error: unknown) => seen.push(error));
    const queued: unknown = await client.get('key').catch((error: unknown) => error);
    seen.push(queued);
    expect(inspect(seen, { depth: 10 })).toMatch(/WRONGPASS/);
    expect(inspect(seen, { depth: 10, showHidden: true })).not.toContain(tokens.current?.reveal());
    expect(inspect(seen, { depth: 10 })).not.toMatch(/eyJ/);
    await expect(client.ping()).resolves.toBe('PONG');
  });
});

describe('whenReady() says what to do about', () => {
  const failing = async (more: Parameters<typeof open>[1]): Promise<unknown> => {
    const { connection } = open(azure, { ...more, deadlines: { handshakeMs: 500 } });
    return connection.whenReady(2_000).catch((error: unknown) => error);
  };
  const plainServer = async (answer: string | undefined): Promise<Server> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => (answer === undefined ? socket.end() : socket.end(answer)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return server;
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  it('an identity without access', async () => {
    const { clientId, clientSecret, objectId } = azure.identity.withoutAccess;
    const { tenantId } = azure.identity;
    await expect(
      failing({
        credential: { tenantId, clientId, clientSecret, sdk: azure.credentialSdkOptions },
      }),
    ).resolves.toMatchObject({
      code: 'IDENTITY_REFUSED',
      message: expect.stringMatching(new RegExp(`${objectId}.*data access policy`)),
    });
  });

  it('a wrong username', async () => {
    await expect(failing({ username: azure.identity.clientId })).resolves.toMatchObject({
      code: 'IDENTITY_REFUSED',
      message: expect.stringMatching(/not the client id/),
    });
  });

  it('a wrong host', async () => {
    await expect(failing({ host: 'does-not-exist.invalid' })).resolves.toMatchObject({
      code: 'HOST_NOT_FOUND',
      message: expect.stringMatching(/does-not-exist\.invalid.*"host"/),
    });
  });

  it('a port where nobody listens', async () => {
    const server = await plainServer(undefined);
    const port = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    await expect(failing({ port })).resolves.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringMatching(/firewall/),
    });
  });

  it('TLS to a plain port that answers in plain text', async () => {
    const port = portOf(await plainServer('-ERR Protocol error\r\n'));
    await expect(failing({ port })).resolves.toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringMatching(/does not speak TLS.*10000/),
    });
  });

  it('TLS to a plain port that hangs up, as a server does that restarts', async () => {
    const port = portOf(await plainServer(undefined));
    await expect(failing({ port })).resolves.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringMatching(/does not speak TLS.*10000/),
    });
  });

  it('a certificate of somebody else', async () => {
    const { ca } = azure.connection.tls;
    await expect(
      failing({ tls: { ca, servername: 'other.redis.azure.net' } }),
    ).resolves.toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringMatching(/tls\.servername/),
    });
  });

  it('a certificate that this host does not trust', async () => {
    const { servername } = azure.connection.tls;
    await expect(failing({ tls: { servername } })).resolves.toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringMatching(/NODE_EXTRA_CA_CERTS/),
    });
  });

  it('a certificate that has run out', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2024-01-01') });
    const root = createCertificateAuthority();
    const { certificate: cert, privateKey: key } = root.issue(['localhost']);
    vi.useRealTimers();
    const server = createTlsServer({ cert, key });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const tls = { ca: root.certificate, servername: 'localhost' };
    await expect(failing({ port: portOf(server), tls })).resolves.toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringMatching(/is not valid at this time\. Compare the clock/),
    });
  });

  it('a cluster client on a server that is none', async () => {
    await expect(failing({ topology: 'cluster' })).resolves.toMatchObject({
      code: 'WRONG_TOPOLOGY',
      message: expect.stringMatching(/"standalone"/),
    });
  });

  it('plain text to the TLS port', async () => {
    await expect(failing({ tls: false })).resolves.toMatchObject({
      code: expect.stringMatching(/CONNECTION_FAILED|HANDSHAKE_TIMEOUT/),
    });
  });
});
