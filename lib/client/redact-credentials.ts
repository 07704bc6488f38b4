import type { Command } from 'ioredis';

const REDACTED = '[redacted]';

/**
 * Blanks the token in the error of a HELLO or AUTH before anybody sees it.
 *
 * ioredis puts a command's arguments into its error, rejects the user's queued commands with
 * that same error and publishes it for tracing. All of it starts with the command's rejection,
 * so this is where to be first.
 */
export function redactCredentials(command: Command): void {
  if (!carriesCredentials(command)) return;
  const { reject } = command;
  command.reject = (error: Error) => {
    blankArguments(error);
    reject(error);
  };
}

export function carriesCredentials({ name }: Pick<Command, 'name'>): boolean {
  return /^(hello|auth)$/i.test(name);
}

function blankArguments(error: Error): void {
  if (!('command' in error) || typeof error.command !== 'object' || error.command === null) return;
  if ('args' in error.command && Array.isArray(error.command.args)) {
    error.command.args = error.command.args.map(() => REDACTED);
  }
}
