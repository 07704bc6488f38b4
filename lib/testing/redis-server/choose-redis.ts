import type { Principal } from '../entra/directory.js';
import { createAclUsers } from './acl-users.js';
import { findRedisServer, redisServerNotFound } from './find-redis-server.js';
import { JavaScriptRedis } from './javascript-redis.js';
import type { RedisBackend } from './redis-backend.js';
import { RedisCluster } from './redis-cluster.js';
import { describeProgram } from './redis-process.js';
import { StandaloneRedis } from './standalone-redis.js';

export interface RedisWish {
  readonly topology: 'standalone' | 'cluster';
  readonly replicas: number;
  readonly announce: 'ip' | 'hostname';
  readonly allowJavaScriptRedis: boolean;
  readonly principals: readonly Principal[];
  readonly workspace: string;
  /** Ports of the front doors, which the nodes of a cluster announce; asked for at each start. */
  readonly announcedPorts: () => readonly number[];
  /** A server ended by itself; these are the last lines of its log. */
  readonly onLoss: (log: string) => void;
}

/** A real Redis when there is one, else the JavaScript one when that is allowed. */
export async function chooseRedis(wish: RedisWish): Promise<RedisBackend> {
  const program = findRedisServer();
  if (program === undefined) {
    if (wish.allowJavaScriptRedis && wish.topology === 'standalone') {
      return JavaScriptRedis.load();
    }
    throw redisServerNotFound();
  }
  const description = await describeProgram(program);
  const users = createAclUsers(wish.principals);
  return wish.topology === 'standalone'
    ? new StandaloneRedis(program, description, wish.workspace, users, wish.onLoss)
    : new RedisCluster({ ...wish, program, description, users });
}
