import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createCertificateAuthority } from '../../../lib/testing/certificates.js';
import {
  findRedisServer,
  redisServerNotFound,
} from '../../../lib/testing/redis-server/find-redis-server.js';
import { RedisProcess, type RedisConfig } from '../../../lib/testing/redis-server/redis-process.js';
import { inMemory } from '../../../lib/testing/redis-server/standalone-redis.js';
import type { Workspace } from '../../../lib/testing/workspace.js';
import type { RedisAddress } from '../servers/settings.js';

const SERVER_NAME = 'bench.redis.azure.net';

/** A running redis-server, and our own connection to it. */
export class TlsRedis {
  readonly address: RedisAddress;
  readonly client: Redis;
  readonly #process: RedisProcess;

  private constructor(address: RedisAddress, client: Redis, process: RedisProcess) {
    this.address = address;
    this.client = client;
    this.#process = process;
  }

  /** @throws LocalAzureError when it does not start */
  static async start(
    workspace: Workspace,
    setup: TlsSetup,
    port: number,
    more: RedisConfig = [],
    moreFiles: Readonly<Record<string, string>> = {},
  ): Promise<TlsRedis> {
    const process = await RedisProcess.start(
      setup.program,
      workspace.folder,
      (folder) => [...configOf(setup, port, folder), ...more],
      { ...setup.files, ...moreFiles },
      () => undefined,
    );
    const address = { host: '127.0.0.1', port, ...setup.access };
    return new TlsRedis(address, await clientOf(address), process);
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await this.#process.stop();
  }
}

/** What all nodes of one Redis have in common. */
export interface TlsSetup {
  readonly program: string;
  readonly files: Readonly<Record<string, string>>;
  readonly access: Pick<RedisAddress, 'ca' | 'servername' | 'username'>;
}

/**
 * TLS as Azure's; any token is right for the one user.
 *
 * @throws LocalAzureError when there is no redis-server
 */
export function createTlsSetup(): TlsSetup {
  const program = findRedisServer();
  if (program === undefined) throw redisServerNotFound();
  const authority = createCertificateAuthority();
  const { certificate, privateKey } = authority.issue([SERVER_NAME]);
  return {
    program,
    files: { 'server.crt': certificate, 'server.key': privateKey, 'ca.crt': authority.certificate },
    access: { ca: authority.certificate, servername: SERVER_NAME, username: randomUUID() },
  };
}

const configOf = ({ access }: TlsSetup, port: number, folder: string): RedisConfig => [
  'bind 127.0.0.1',
  'port 0',
  `tls-port ${port}`,
  `tls-cert-file "${join(folder, 'server.crt')}"`,
  `tls-key-file "${join(folder, 'server.key')}"`,
  `tls-ca-cert-file "${join(folder, 'ca.crt')}"`,
  'tls-auth-clients no',
  ...inMemory(folder),
  'user default off',
  `user ${access.username} on nopass ~* &* +@all`,
];

async function clientOf({ host, port, ca, servername, username }: RedisAddress): Promise<Redis> {
  const client = new Redis({ host, port, username, password: 'any', tls: { ca, servername } });
  // Requests tell what has happened to the connection.
  client.on('error', () => undefined);
  await once(client, 'ready');
  return client;
}
