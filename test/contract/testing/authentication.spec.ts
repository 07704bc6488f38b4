import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { LocalAzure } from '../../../lib/testing/index.js';
import { eventually } from '../../fixtures/eventually.js';
import { handshake, RawClient, redisClient, SCOPE, useLocalAzure } from './local-azure.js';

const azure = useLocalAzure();
const seconds = () => Math.floor(Date.now() / 1000);

/** Another payload under the signature of a valid token. */
function tampered({ entra }: LocalAzure): string {
  const [header = '', payload = '', signature = ''] = entra.issue().split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const forged = Buffer.from(JSON.stringify({ ...claims, exp: seconds() + 9_999 }));
  return [header, forged.toString('base64url'), signature].join('.');
}

function unsigned({ entra }: LocalAzure): string {
  const [, payload = ''] = entra.issue().split('.');
  return [Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url'), payload, 'e30'].join(
    '.',
  );
}

const refusedTokens: [string, (azure: LocalAzure) => string][] = [
  ['an expired token', ({ entra }) => entra.issue({ exp: seconds() })],
  ['a token that is not valid yet', ({ entra }) => entra.issue({ nbf: seconds() + 60 })],
  ['a token without expiry', ({ entra }) => entra.issue({ exp: undefined })],
  ['a token for another resource', ({ entra }) => entra.issue({ aud: 'https://vault.azure.net' })],
  ['a token of another identity', ({ entra }) => entra.issue({ oid: randomUUID() })],
  ['a token without object id', ({ entra }) => entra.issue({ oid: undefined })],
  ['a token of another tenant', ({ entra }) => entra.issue({ tid: randomUUID() })],
  ['a tampered token', tampered],
  ['an unsigned token', unsigned],
  ['something that is no token', () => 'password'],
];

describe.each([
  { way: 'AUTH', protocol: 2 },
  { way: 'HELLO', protocol: 3 },
] as const)('$way', ({ protocol }) => {
  it('lets the application in, as the user that its object id names', async () => {
    const client = redisClient(azure(), { protocol });
    expect(await handshake(client)).toBe('ready');
    expect(await client.call('ACL', 'WHOAMI')).toBe(azure().identity.objectId);
    expect(azure().redis).toMatchObject({ auths: 1, rejected: 0 });
  });

  it.each(refusedTokens)('refuses %s with WRONGPASS', async (_, token) => {
    const client = redisClient(azure(), { protocol, password: token(azure()) });
    expect(await handshake(client)).toMatch(/WRONGPASS/);
    expect(azure().redis.auths).toBe(0);
    expect(azure().redis.rejected).toBeGreaterThan(0);
  });

  it('refuses a valid token with another user name', async () => {
    const { systemAssignedObjectId } = azure().identity;
    const client = redisClient(azure(), { protocol, username: systemAssignedObjectId });
    expect(await handshake(client)).toMatch(/WRONGPASS/);
  });

  it('refuses an identity that has no access', async () => {
    const { objectId } = azure().identity.withoutAccess;
    const password = azure().entra.issue({ oid: objectId });
    const client = redisClient(azure(), { protocol, username: objectId, password });
    expect(await handshake(client)).toMatch(/WRONGPASS/);
    expect(azure().redis).toMatchObject({ auths: 0, rejected: 1 });
  });

  it('takes the token that the credential gets, under both names of the resource', async () => {
    for (const scope of [SCOPE, 'acca5fbb-b7e4-4009-81f1-37e38fd66d78/.default']) {
      const token = await azure().credential.getToken(scope);
      const client = redisClient(azure(), { protocol, password: token?.token ?? '' });
      expect(await handshake(client)).toBe('ready');
    }
  });
});

describe('the front door', () => {
  it('lets nobody in without a token', async () => {
    const client = await RawClient.connect(azure());
    expect(await client.ask('GET', 'key')).toBe('-NOAUTH Authentication required.\r\n');
    expect(await client.ask('HELLO', '3')).toMatch(/^-NOAUTH HELLO must be called/);
    expect(await client.ask('AUTH', azure().entra.issue())).toMatch(/^-WRONGPASS/);
    expect(await client.ask('AUTH')).toMatch(/^-ERR wrong number of arguments/);
    expect(await client.ask('AUTH', 'a', 'b', 'c')).toMatch(/^-ERR/);
    expect(azure().redis.auths).toBe(0);
  });

  it('understands lower case, HELLO with SETNAME, and AUTH as a line of text', async () => {
    const { objectId } = azure().identity;
    const token = azure().entra.issue();
    const client = await RawClient.connect(azure());
    const reply = await client.ask('hello', '2', 'setname', 'me', 'auth', objectId, token);
    expect(reply).toMatch(/^\*14/);
    expect(await client.ask('CLIENT', 'GETNAME')).toBe('$2\r\nme\r\n');
    const other = await RawClient.connect(azure());
    other.send(`auth ${objectId} ${token}\r\n`);
    await eventually('OK', () => other.received.toString() === '+OK\r\n');
    expect(azure().redis.auths).toBe(2);
  });

  it('keeps the session when a later AUTH is refused', async () => {
    const client = redisClient(azure());
    await client.set('kept', '1');
    await expect(client.auth(azure().identity.objectId, 'wrong')).rejects.toThrow(/WRONGPASS/);
    expect(await client.get('kept')).toBe('1');
  });

  it('hands nothing to a client that speaks no TLS', async () => {
    const socket = connect({ host: '127.0.0.1', port: azure().connection.port });
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('error', () => undefined);
    socket.write('PING\r\n');
    await eventually('it is cut off', () => socket.destroyed);
    expect(Buffer.concat(received).toString('latin1')).not.toContain('NOAUTH');
    expect(azure().redis.commands).toBe(0);
  });

  it('has a certificate for names only, which nobody trusts by default', async () => {
    const { ca, servername } = azure().connection.tls;
    expect(await handshake(redisClient(azure(), { tls: {} }))).toMatch(/certificate/);
    const byAddress = redisClient(azure(), { host: '127.0.0.1', tls: { ca } });
    expect(await handshake(byAddress)).toMatch(/IP: 127\.0\.0\.1 is not in the cert/);
    const named = redisClient(azure(), { host: '127.0.0.1', tls: { ca, servername } });
    expect(await handshake(named)).toBe('ready');
    const likeAzure = { ca, servername: 'my-cache.local.redis.azure.net' };
    expect(await handshake(redisClient(azure(), { tls: likeAzure }))).toBe('ready');
  });

  it('knows each identity by its own object id', async () => {
    const { systemAssignedObjectId, userAssignedObjectId } = azure().identity;
    for (const oid of [systemAssignedObjectId, userAssignedObjectId]) {
      const password = azure().entra.issue({ oid });
      const client = redisClient(azure(), { username: oid, password });
      expect(await client.call('ACL', 'WHOAMI')).toBe(oid);
    }
  });
});
