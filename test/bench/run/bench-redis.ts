import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createCertificateAuthority } from '../../../lib/testing/certificates.js';
import { FRONT_DOOR_PORTS } from '../../../lib/testing/front-door/loopback-port.js';
import {
  findRedisServer,
  redisServerNotFound,
} from '../../../lib/testing/redis-server/find-redis-server.js';
import { RedisProcess } from '../../../lib/testing/redis-server/redis-process.js';
import { inMemory } from '../../../lib/testing/redis-server/standalone-redis.js';
import type { Workspace } from '../../../lib/testing/workspace.js';
import type { RedisAddress } from '../servers/settings.js';

const SERVER_NAME = 'bench.redis.azure.net';
const ATTEMPTS = 5;

/** A redis-server of its own that speaks TLS, as Azure's; any token is right for its one user. */
export class BenchRedis {
  readonly address: RedisAddress;
  readonly #process: RedisProcess;
  readonly #client: Redis;

  private constructor(address: RedisAddress, process: RedisProcess, client: Redis) {
    this.address = address;
    this.#process = process;
    this.#client = client;
  }

  /** @throws LocalAzureError when there is no redis-server, or none that starts */
  static async start(workspace: Workspace): Promise<BenchRedis> {
    const program = findRedisServer();
    if (program === undefined) throw redisServerNotFound();
    const authority = createCertificateAuthority();
    const { certificate, privateKey } = authority.issue([SERVER_NAME]);
    const files = { 'server.crt': certificate, 'server.key': privateKey };
    const username = randomUUID();
    for (let attempt = 1; ; attempt += 1) {
      const port = randomInt(FRONT_DOOR_PORTS.from, FRONT_DOOR_PORTS.to);
      const config = (folder: string): readonly string[] => [
        'bind 127.0.0.1',
        'port 0',
        `tls-port ${port}`,
        `tls-cert-file "${join(folder, 'server.crt')}"`,
        `tls-key-file "${join(folder, 'server.key')}"`,
        'tls-auth-clients no',
        ...inMemory(folder),
        'user default off',
        `user ${username} on nopass ~* &* +@all`,
      ];
      const address = {
        host: '127.0.0.1',
        port,
        ca: authority.certificate,
        servername: SERVER_NAME,
        username,
      };
      try {
        const process = await RedisProcess.start(
          program,
          workspace.folder,
          config,
          files,
          () => undefined,
        );
        return new BenchRedis(address, process, await clientOf(address));
      } catch (error) {
        // Somebody else may have the port.
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  async version(): Promise<string> {
    const info = await this.#client.info('server');
    return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
  }

  async clear(): Promise<void> {
    await this.#client.flushall();
  }

  async stop(): Promise<void> {
    this.#client.disconnect();
    await this.#process.stop();
  }
}

async function clientOf({ host, port, ca, servername, username }: RedisAddress): Promise<Redis> {
  const client = new Redis({ host, port, username, password: 'any', tls: { ca, servername } });
  // Requests tell what has happened to the connection.
  client.on('error', () => undefined);
  await once(client, 'ready');
  return client;
}
