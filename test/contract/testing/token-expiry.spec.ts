import { expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { handshake, RawClient, redisClient, useLocalAzure } from './local-azure.js';

const azure = useLocalAzure({ tokenLifetimeMs: 2_000 });
/** RFC 7519 allows fractions, which make these tests shorter. */
const inSeconds = (seconds: number) => Date.now() / 1000 + seconds;

const login = async (client: RawClient, token: string): Promise<string> =>
  client.ask('AUTH', azure().identity.objectId, token);

it('closes a connection when its token expires', async () => {
  const client = await RawClient.connect(azure());
  const exp = inSeconds(0.6);
  expect(await login(client, azure().entra.issue({ exp }))).toBe('+OK\r\n');
  await client.closed();
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
  expect(client.errorCode).toBeUndefined();
  expect(azure().redis.expired).toBe(1);
});

it('keeps a connection that got a newer token, and only that one', async () => {
  const [renewed, idle] = [await RawClient.connect(azure()), await RawClient.connect(azure())];
  const short = azure().entra.issue({ exp: inSeconds(0.6) });
  await login(renewed, short);
  await login(idle, short);
  await login(renewed, azure().entra.issue({ exp: inSeconds(60) }));
  await idle.closed();
  expect(await renewed.ask('PING')).toBe('+PONG\r\n');
  expect(azure().redis).toMatchObject({ auths: 3, expired: 1, connections: 1 });
});

it('goes by the newest token, even when an older one lived longer', async () => {
  const client = await RawClient.connect(azure());
  await login(client, azure().entra.issue({ exp: inSeconds(60) }));
  await login(client, azure().entra.issue({ exp: inSeconds(0.6) }));
  await client.closed();
  expect(azure().redis.expired).toBe(1);
});

it('does not count a refused token as newer', async () => {
  const client = await RawClient.connect(azure());
  await login(client, azure().entra.issue({ exp: inSeconds(0.6) }));
  await login(client, azure().entra.issue({ exp: inSeconds(60), aud: 'https://vault.azure.net' }));
  await client.closed();
  expect(azure().redis).toMatchObject({ expired: 1, rejected: 1 });
});

it('does not count connections as expired that ended before', async () => {
  const client = await RawClient.connect(azure());
  await login(client, azure().entra.issue({ exp: inSeconds(0.6) }));
  azure().redis.kill();
  await client.closed();
  const witness = await RawClient.connect(azure());
  await login(witness, azure().entra.issue({ exp: inSeconds(0.8) }));
  await witness.closed();
  expect(azure().redis.expired).toBe(1);
});

it('closes a RESP3 subscriber too', async () => {
  const subscriber = redisClient(azure(), {
    password: azure().entra.issue({ exp: inSeconds(0.6) }),
  });
  await subscriber.subscribe('channel');
  await eventually('it is closed', () => subscriber.status === 'end');
  expect(azure().redis.expired).toBe(1);
});

it('goes by its own clock, which may be ahead', async () => {
  const token = azure().entra.issue({ exp: inSeconds(30) });
  azure().entra.clockSkewMs = 60_000;
  try {
    expect(await handshake(redisClient(azure(), { password: token }))).toMatch(/WRONGPASS/);
    const own = azure().entra.issue({ exp: inSeconds(90) });
    expect(await handshake(redisClient(azure(), { password: own }))).toBe('ready');
  } finally {
    azure().entra.clockSkewMs = 0;
  }
});

it('issues tokens that live as long as asked for, from now on', () => {
  const lifetime = (token: string): number => {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const { iat, exp } = JSON.parse(payload) as { iat: number; exp: number };
    return exp - iat;
  };
  expect(lifetime(azure().entra.issue())).toBe(2);
  azure().entra.tokenLifetimeMs = 60_000;
  expect(lifetime(azure().entra.issue())).toBe(60);
  azure().entra.tokenLifetimeMs = 2_000;
});
