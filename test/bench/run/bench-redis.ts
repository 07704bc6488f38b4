import { randomInt } from 'node:crypto';
import type { Redis } from 'ioredis';
import { FRONT_DOOR_PORTS } from '../../../lib/testing/front-door/loopback-port.js';
import type { Workspace } from '../../../lib/testing/workspace.js';
import type { RedisAddress } from '../servers/settings.js';
import { createTlsSetup, TlsRedis } from './tls-redis.js';

const ATTEMPTS = 5;

/** A redis-server of its own. */
export class BenchRedis {
  readonly #redis: TlsRedis;

  private constructor(redis: TlsRedis) {
    this.#redis = redis;
  }

  /** @throws LocalAzureError when there is no redis-server, or none that starts */
  static async start(workspace: Workspace): Promise<BenchRedis> {
    const setup = createTlsSetup();
    for (let attempt = 1; ; attempt += 1) {
      const port = randomInt(FRONT_DOOR_PORTS.from, FRONT_DOOR_PORTS.to);
      try {
        return new BenchRedis(await TlsRedis.start(workspace, setup, port));
      } catch (error) {
        // Somebody else may have the port.
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  get address(): RedisAddress {
    return this.#redis.address;
  }

  /** Past the servers. */
  get client(): Redis {
    return this.#redis.client;
  }

  async version(): Promise<string> {
    const info = await this.client.info('server');
    return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
  }

  /** In bytes: what Redis has allocated. */
  async usedMemory(): Promise<number> {
    const info = await this.client.info('memory');
    return Number(/used_memory:(\d+)/.exec(info)?.[1]);
  }

  async clear(): Promise<void> {
    await this.client.flushall();
  }

  stop(): Promise<void> {
    return this.#redis.stop();
  }
}
