import { createHash } from 'node:crypto';

/** A Lua script, which Redis runs as one step. */
export interface RedisScript {
  readonly lua: string;
  readonly sha1: string;
}

export function redisScript(lua: string): RedisScript {
  return { lua, sha1: createHash('sha1').update(lua).digest('hex') };
}

/** What a script returns: bulk strings come as `Buffer`s. */
export type ScriptReply = number | null | Buffer | readonly ScriptReply[];

/**
 * The face of the store for steps that several processes must agree on. Keys carry the store's
 * own prefix in Redis. Fail-open like the rest of the store.
 */
export interface ScriptStore {
  /**
   * @param keys all in one slot of a cluster: they share a hash tag
   * @returns `undefined` when Redis is in trouble, refuses, or does not answer within the deadline;
   *   the script may have been run then
   */
  runScript(
    kind: 'read' | 'write',
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly (string | number | Buffer)[],
  ): Promise<ScriptReply | undefined>;
}
