import type { Command, Redis } from 'ioredis';

const REDACTED = '[redacted]';

/**
 * Blanks the token in errors of HELLO and AUTH before anybody sees them.
 *
 * ioredis puts a command's arguments into its error, rejects the user's queued commands with
 * that same error and publishes it for tracing. All of it starts with the command's rejection,
 * so this is where to be first.
 */
export function redactCredentials(redis: Redis): void {
  const sendCommand = redis.sendCommand.bind(redis);
  redis.sendCommand = (command: Command, ...rest) => {
    if (carriesCredentials(command)) {
      const { reject } = command;
      command.reject = (error: Error) => {
        blankArguments(error);
        reject(error);
      };
    }
    return sendCommand(command, ...rest);
  };
}

function carriesCredentials({ name }: { name: string }): boolean {
  return /^(hello|auth)$/i.test(name);
}

function blankArguments(error: Error): void {
  if (!('command' in error) || typeof error.command !== 'object' || error.command === null) return;
  if ('args' in error.command && Array.isArray(error.command.args)) {
    error.command.args = error.command.args.map(() => REDACTED);
  }
}
