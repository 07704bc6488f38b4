import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startLocalAzure } from '../../../lib/testing/index.js';
import { descendants, isRunning } from '../../e2e/sample/process-tree.js';
import { eventually } from '../../fixtures/eventually.js';
import { useBuiltTestingEntry } from './built-testing-entry.js';
import { tcp, useLocalAzure } from './local-azure.js';

const azure = useLocalAzure();
const entry = useBuiltTestingEntry();

/** What an app does that knows nothing but its environment. */
const app = (credential: string): string => `
  import * as identity from '@azure/identity';
  import { Redis } from 'ioredis';
  const { REDIS_HOST: host, REDIS_PORT: port } = process.env;
  const { token } = await new identity.${credential}.getToken('https://redis.azure.com/.default');
  const { oid } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  const redis = new Redis({ host, port, tls: {}, username: oid, password: token });
  console.log(await redis.call('ACL', 'WHOAMI'));
  redis.disconnect();
`;

it.each([
  'DefaultAzureCredential()',
  'EnvironmentCredential()',
  'ClientSecretCredential(process.env.AZURE_TENANT_ID, process.env.AZURE_CLIENT_ID, process.env.AZURE_CLIENT_SECRET)',
])('an unmodified app works in its environment with %s', async (credential) => {
  expect(await entry.run(app(credential), azure().environment)).toBe(azure().identity.objectId);
});

it.each(['ManagedIdentityCredential()', 'DefaultAzureCredential()'])(
  'an unmodified app finds IMDS at its real address with %s',
  async (credential) => {
    const environment = Object.entries(azure().environment).filter(
      ([name]) => !name.startsWith('AZURE_'),
    );
    expect(await entry.run(app(credential), Object.fromEntries(environment))).toBe(
      azure().identity.systemAssignedObjectId,
    );
  },
);

it('an app in App Service works', async () => {
  const environment = Object.entries(azure().environment).filter(
    ([name]) => !name.startsWith('AZURE_'),
  );
  const all = {
    ...Object.fromEntries(environment),
    ...azure().managedIdentityEnvironment('app-service'),
  };
  expect(await entry.run(app('DefaultAzureCredential()'), all)).toBe(
    azure().identity.systemAssignedObjectId,
  );
});

it('an authority that is not in the SDK works without options, by instance discovery', async () => {
  const { tenantId, clientId, clientSecret } = azure().identity;
  const environment = { ...azure().environment, AZURE_AUTHORITY_HOST: azure().entra.url };
  const credential = `ClientSecretCredential('${tenantId}', '${clientId}', '${clientSecret}')`;
  expect(await entry.run(app(credential), environment)).toBe(azure().identity.objectId);
});

it('the proxy leads nowhere but to Entra', async () => {
  const script = `
    import { request } from 'node:http';
    const proxy = new URL(process.env.HTTPS_PROXY);
    request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: 'example.com:443' })
      .on('connect', (response) => { console.log(response.statusCode); process.exit(); })
      .end();
  `;
  expect(await entry.run(script, azure().environment)).toBe('502');
});

it.each(['standalone', 'cluster'])(
  'a process ends by itself after stop() (%s)',
  async (topology) => {
    const script = `
    import { existsSync, readdirSync } from 'node:fs';
    import { dirname } from 'node:path';
    import { startLocalAzure } from './testing.mjs';
    const azure = await startLocalAzure({ topology: '${topology}', tokenLifetimeMs: 5_000 });
    const { token } = await azure.credential.getToken('https://redis.azure.com/.default');
    const { connect } = await import('node:tls');
    const socket = connect({ ...azure.connection, ...azure.connection.tls });
    socket.on('error', () => undefined);
    socket.write('AUTH ' + azure.identity.objectId + ' ' + token + '\\r\\n');
    await new Promise((resolve) => socket.once('data', resolve));
    azure.redis.blackhole();
    azure.redis.freeze();
    await Promise.all([azure.stop(), azure.stop()]);
    await azure[Symbol.asyncDispose]();
    console.log(existsSync(dirname(azure.environment.NODE_EXTRA_CA_CERTS)), Date.now());
  `;
    const [isFolderLeft, stoppedAt] = (await entry.run(script)).split(' ');
    // What is left open would hold the process for the 5 s of a keep-alive, or for ever.
    expect(Date.now() - Number(stoppedAt)).toBeLessThan(3_000);
    expect(isFolderLeft).toBe('false');
  },
);

it.each(['standalone', 'cluster'])(
  'redis-server and all files go when the process is killed (%s)',
  async (topology) => {
    const child = await entry.start(`
      import { dirname } from 'node:path';
      import { startLocalAzure } from './testing.mjs';
      const azure = await startLocalAzure({ topology: '${topology}' });
      azure.redis.freeze();
      console.log(dirname(azure.environment.NODE_EXTRA_CA_CERTS));
      setInterval(() => undefined, 1_000);
    `);
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    const folder = line.toString().trim();
    const pids = await descendants(child.pid ?? 0);
    // A watchdog's shell, its reader and Redis, for each node.
    expect(pids).toHaveLength(topology === 'cluster' ? 9 : 3);
    expect(existsSync(folder)).toBe(true);
    child.kill('SIGKILL');
    await eventually('all are gone', () => !pids.some(isRunning) && !existsSync(folder));
  },
);

it.each(['standalone', 'cluster'] as const)(
  'stop() leaves no process, no port and no file (%s)',
  async (topology) => {
    const before = await descendants(process.pid);
    const own = await startLocalAzure({ topology });
    const started = (await descendants(process.pid)).filter((pid) => !before.includes(pid));
    const folder = dirname(own.environment['NODE_EXTRA_CA_CERTS'] ?? '');
    expect(started.length).toBeGreaterThan(0);
    expect(existsSync(folder)).toBe(true);
    const ports = [...own.redis.ports, new URL(own.entra.url).port].map(Number);
    await own.stop();
    expect(started.filter(isRunning)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    for (const port of ports) expect(await tcp(port)).toBe('ECONNREFUSED');
  },
);

it('stop() waits for a server that is still starting, and nothing starts after it', async () => {
  const before = await descendants(process.pid);
  const own = await startLocalAzure();
  const restarting = own.redis.restartServer();
  await own.stop();
  await restarting.catch(() => undefined);
  await expect(own.redis.restartServer()).rejects.toMatchObject({ code: 'STOPPED' });
  await expect(own.redis.shutdownServer()).rejects.toMatchObject({ code: 'STOPPED' });
  expect((await descendants(process.pid)).filter((pid) => !before.includes(pid))).toEqual([]);
  expect(existsSync(dirname(own.environment['NODE_EXTRA_CA_CERTS'] ?? ''))).toBe(false);
});
