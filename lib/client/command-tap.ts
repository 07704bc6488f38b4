import type { Command, Redis } from 'ioredis';

/** Whether the command goes into a buffer that ioredis writes as one block. */
type IsPipelined = boolean;

export interface CommandTap {
  /** Called before ioredis gets the command; `false` keeps it from being sent. */
  before(command: Command, isPipelined: IsPipelined): boolean;
  after(command: Command): void;
}

/**
 * Sees every command of an instance on its way to ioredis, handshake and resends included.
 *
 * ioredis puts a `sendCommand` of its own on an instance in monitor mode and deletes it with
 * the socket, ours with it: `restore()` brings it back.
 */
export function tapCommands(redis: Redis, tap: CommandTap): { restore(): void } {
  const original = redis.sendCommand.bind(redis);
  const tapped: Redis['sendCommand'] = (command, stream) => {
    if (!tap.before(command, stream !== undefined)) return command.promise;
    const result = original(command, stream);
    tap.after(command);
    return result;
  };
  redis.sendCommand = tapped;
  return {
    restore: () => {
      if (!Object.hasOwn(redis, 'sendCommand')) redis.sendCommand = tapped;
    },
  };
}
