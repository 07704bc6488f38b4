import { createServer } from 'node:net';
import type { AccessToken, TokenCredential } from '@azure/identity';
import { Redis } from 'ioredis';
import type { AzureRedisModuleOptions } from 'nestjs-azure-redis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { onTestFinished, vi } from 'vitest';
import type { StepName } from '../../../lib/cli/doctor/step.js';
import type { Resolve } from '../../../lib/cli/doctor/steps/dns.js';

/** What an application would be configured with, and all is well. */
export function soundOptions(azure: LocalAzure): AzureRedisModuleOptions {
  const { tenantId, clientId, clientSecret } = azure.identity;
  return {
    ...azure.connection,
    credential: servicePrincipal(azure, { tenantId, clientId, clientSecret }),
  };
}

function servicePrincipal(
  azure: LocalAzure,
  ids: { tenantId?: string; clientId?: string; clientSecret?: string; certificatePath?: string },
) {
  const { authorityHost, ...sdk } = azure.credentialSdkOptions;
  const { tenantId, clientId } = azure.identity;
  return { tenantId, clientId, authorityHost, sdk, ...ids };
}

/** One thing that is wrong; everything else is as it should be. */
export interface BrokenSetUp {
  readonly wrong: string;
  /** Breaks it; what it returns takes the place of sound options. */
  readonly break: (
    azure: LocalAzure,
  ) => AzureRedisModuleOptions | void | Promise<AzureRedisModuleOptions | void>;
  /** Only once this step is done. */
  readonly after?: StepName;
  readonly resolve?: Resolve;
  readonly failed: StepName;
  readonly advice: RegExp;
}

const UNKNOWN = '11111111-2222-4333-8444-555555555555';

const onLoopback: Resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
const failsWith = (code: string) => (): ReturnType<Resolve> =>
  Promise.reject(Object.assign(new Error(`getaddrinfo ${code} the-host`), { code }));

export const ON_ONE_ENDPOINT: readonly BrokenSetUp[] = [
  {
    wrong: 'a URL as host',
    break: () => ({ host: 'rediss://my-cache.redis.azure.net:10000' }),
    failed: 'configuration',
    advice: /^host: expected the DNS name .*; write only the DNS name, and set port/,
  },
  {
    wrong: 'a host that does not exist',
    break: () => undefined,
    resolve: failsWith('ENOTFOUND'),
    failed: 'DNS',
    advice: /Write the whole name.*cannot be resolved.*private DNS zone/s,
  },
  {
    wrong: 'a DNS server that is not there',
    break: () => undefined,
    resolve: failsWith('EAI_AGAIN'),
    failed: 'DNS',
    advice: /Check the DNS servers of this host or container, and its way to them/,
  },
  {
    wrong: 'a DNS server that is silent',
    break: () => ({ deadlines: { connectMs: 50 } }),
    resolve: () => new Promise(() => undefined),
    failed: 'DNS',
    advice: /Check the DNS servers/,
  },
  {
    wrong: 'nothing that listens',
    break: (azure) => azure.redis.refuse(),
    failed: 'TCP',
    advice: /Check host and port, firewall rules, virtual network and private endpoint/,
  },
  {
    wrong: 'the port of Azure Managed Redis on Azure Cache for Redis',
    break: async () => ({ host: 'my.redis.cache.windows.net', port: await closedPort() }),
    resolve: onLoopback,
    failed: 'TCP',
    advice: /^Azure Cache for Redis listens for TLS on 6380: set the port to it/,
  },
  {
    wrong: 'the port of Azure Cache for Redis on Azure Managed Redis',
    break: async () => ({ host: 'my.westeurope.redis.azure.net', port: await closedPort() }),
    resolve: onLoopback,
    failed: 'TCP',
    advice: /^Azure Managed Redis listens for TLS on 10000: set the port to it/,
  },
  {
    wrong: 'TLS against a plain port',
    break: async () => ({ port: await plainPort() }),
    failed: 'TLS',
    advice: /TLS port of the cache.*10000 \(Azure Managed Redis\) or 6380/,
  },
  {
    wrong: 'a port that swallows TLS',
    break: (azure) => {
      azure.redis.blackhole();
      return { deadlines: { connectMs: 200 } };
    },
    failed: 'TLS',
    advice:
      /TLS port of the cache.* on the right port a firewall or a proxy in between swallows TLS/,
  },
  {
    wrong: 'no TLS against a TLS port',
    break: () => ({ tls: false }),
    failed: 'TLS',
    advice: /It wants TLS: leave "tls", --no-tls and REDIS_SSL=false out/,
  },
  {
    wrong: 'a certificate for another name',
    break: ({ connection }) => ({ tls: { ...connection.tls, servername: 'cache.example.com' } }),
    failed: 'TLS',
    advice: /set "tls.servername".*The certificate is for localhost, local\.redis\.azure\.net/s,
  },
  {
    wrong: 'a proxy that re-signs',
    break: () => ({ tls: { servername: 'localhost' } }),
    failed: 'TLS',
    advice: /If Local Azure Root CA is an inspecting proxy.*NODE_EXTRA_CA_CERTS=<file>/,
  },
  {
    wrong: 'a certificate of the application that is not there',
    break: (azure) => ({
      credential: servicePrincipal(azure, { certificatePath: '/nowhere/client.pem' }),
    }),
    failed: 'credential',
    advice: /^\/nowhere\/client\.pem: ENOENT\. Mount or copy the file there/,
  },
  {
    wrong: 'a client secret that expired, or the id of one',
    break: (azure) => ({ credential: servicePrincipal(azure, { clientSecret: UNKNOWN }) }),
    failed: 'token',
    advice:
      /Use the secret's value \(not its id\).*not expired.*Certificates & secrets shows when/s,
  },
  {
    wrong: 'a wrong tenant',
    break: (azure) => ({
      credential: servicePrincipal(azure, { tenantId: UNKNOWN, clientSecret: 'secret' }),
    }),
    failed: 'token',
    advice: /Check the tenant id/,
  },
  {
    wrong: 'an application that the tenant does not know',
    break: (azure) => ({
      credential: servicePrincipal(azure, { clientId: UNKNOWN, clientSecret: 'secret' }),
    }),
    failed: 'token',
    advice: /does not know the application in this tenant\. Check the client id/,
  },
  {
    wrong: 'a way to Entra that is blocked',
    break: (azure) => azure.entra.disconnect(),
    failed: 'token',
    advice: /Let this host reach https:\/\/localhost:\d+ \(HTTPS\); behind a proxy set HTTPS_PROXY/,
  },
  {
    wrong: 'an Entra that does not answer',
    break: (azure) => {
      azure.entra.hang();
      return { deadlines: { tokenMs: 300 } };
    },
    failed: 'token',
    advice: /did not answer within 300 ms.*Let this host reach/s,
  },
  {
    wrong: 'a managed identity that is not assigned to this host',
    break: (azure) => {
      const environment = azure.managedIdentityEnvironment('imds');
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
      return { credential: { clientId: UNKNOWN } };
    },
    failed: 'token',
    advice: /not assigned to this host\. Assign it, or check its client id/,
  },
  {
    wrong: 'a token without object id',
    break: (azure) => ({ credential: giving(azure.entra.issue({ oid: undefined })) }),
    failed: 'token',
    advice: /Set the option "username" to the object id of the identity \(not its client id\)/,
  },
  {
    wrong: 'a clock that is ahead, so that tokens are old when they arrive',
    break: (azure) => ({ credential: giving(azure.entra.issue({ exp: 1_700_000_000 })) }),
    failed: 'token',
    advice: /Check the clock of this machine/,
  },
  {
    wrong: 'an identity without access policy, or one that was granted just now',
    break: (azure) => ({
      credential: servicePrincipal(azure, {
        clientId: azure.identity.withoutAccess.clientId,
        clientSecret: azure.identity.withoutAccess.clientSecret,
      }),
    }),
    failed: 'AUTH',
    advice: /Assign it a data access policy.*Granted just now\?.*must belong to the same one/s,
  },
  {
    wrong: 'the client id as username',
    break: (azure) => ({ username: azure.identity.clientId }),
    failed: 'AUTH',
    advice: /is the client id\. Leave "username" out, or set it to the object id [\da-f-]{36}/,
  },
  {
    wrong: 'a group as username',
    break: () => ({ username: UNKNOWN }),
    failed: 'AUTH',
    advice: /is not the object id in the token; groups have no access either/,
  },
  {
    wrong: 'a scope of another service',
    break: () => ({ scope: 'https://vault.azure.net/.default' }),
    failed: 'AUTH',
    advice: /The token is for https:\/\/vault\.azure\.net, not for Redis\. Leave "scope" out/,
  },
  {
    wrong: 'a Redis that does not answer AUTH',
    break: (azure) => {
      azure.redis.stall();
      return { deadlines: { handshakeMs: 200 } };
    },
    failed: 'AUTH',
    advice: /did not finish HELLO\/AUTH within 200 ms/,
  },
  {
    wrong: 'topology cluster on one endpoint',
    break: () => ({ topology: 'cluster' }),
    failed: 'topology',
    advice: /Set "topology" to "standalone"/,
  },
  {
    wrong: 'the access policy "Data Reader"',
    break: (azure) => allowOnly(azure, '-@all', '+@read', '+@connection', '+info', '+acl'),
    failed: 'role',
    advice: /Assign the access policy "Data Contributor".*not "Data Reader"/,
  },
  {
    wrong: 'a custom access policy for other keys',
    break: (azure) => allowOnly(azure, 'resetkeys', '~other:*'),
    failed: 'role',
    advice: /Let the access policy include the keys ~cache:\*/,
  },
  {
    wrong: 'the replica of a geo-replication',
    break: (azure) =>
      azure.redis.failCommands("READONLY You can't write against a read only replica.", 1),
    after: 'topology',
    failed: 'role',
    advice: /connect to the primary/,
  },
  {
    wrong: 'access that is taken back meanwhile',
    break: (azure) => azure.redis.rejectAuth(),
    after: 'AUTH',
    failed: 're-AUTH',
    advice: /Connections would be lost when their token expires, at \d{4}-/,
  },
  {
    wrong: 'a cache that is too far away',
    break: (azure) => {
      azure.redis.delay(12);
      return { cache: { deadlineMs: 10 } };
    },
    failed: 'round-trip time',
    advice: /Use a cache in the same region.*raise "cache\.deadlineMs"/,
  },
];

export const ON_THE_ENTERPRISE_POLICY: readonly BrokenSetUp[] = [
  {
    wrong: 'topology cluster on the Enterprise policy',
    break: () => ({ topology: 'cluster' }),
    failed: 'topology',
    advice: /Enterprise or non-clustered policy\)\. Set "topology" to "standalone"/,
  },
];

export const ON_THE_OSS_POLICY: readonly BrokenSetUp[] = [
  {
    wrong: 'topology standalone on the OSS policy',
    break: () => ({ topology: 'standalone' }),
    failed: 'topology',
    advice: /is a cluster \(OSS policy\)\. Set "topology" to "cluster"/,
  },
  {
    wrong: 'a shard that cannot be reached',
    break: async ({ redis }) => {
      const elsewhere = { host: '127.0.0.1', port: await closedPort() };
      return { redis: { cluster: { natMap: { [`127.0.0.1:${redis.ports[1]}`]: elsewhere } } } };
    },
    failed: 'topology',
    advice: /^Open the way to 127\.0\.0\.1:\d+: the shards .* ports 8500 to 8599/,
  },
];

function giving(token: string): TokenCredential {
  const access: AccessToken = { token, expiresOnTimestamp: Date.now() + 3_600_000 };
  return { getToken: () => Promise.resolve(access) };
}

/** Rules for the application's ACL user, until the test is over. */
async function allowOnly(azure: LocalAzure, ...rules: string[]): Promise<void> {
  onTestFinished(() => setRules(azure, '+@all', '~*'));
  await setRules(azure, ...rules);
}

async function setRules(azure: LocalAzure, ...rules: string[]): Promise<void> {
  const { host, port, tls } = azure.connection;
  const { objectId } = azure.identity;
  const client = new Redis({ host, port, tls, username: objectId, password: azure.entra.issue() });
  await client.acl('SETUSER', objectId, ...rules);
  await client.quit();
}

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Redis without TLS: a handshake is no command to it. */
async function plainPort(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('-ERR Protocol error: unbalanced quotes in request\r\n'));
  });
  onTestFinished(() => void server.close());
  return listen(server);
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('Expected a port'));
      else resolve(address.port);
    });
  });
}
