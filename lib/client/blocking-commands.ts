import type { Command } from 'ioredis';

type Arguments = readonly unknown[];

const SECONDS = 1_000;
const lastInSeconds = (args: Arguments): number => Number(args.at(-1)) * SECONDS;
const firstInSeconds = (args: Arguments): number => Number(args[0]) * SECONDS;

/** Milliseconds after BLOCK; without it XREAD does not block. */
function afterBlock(args: Arguments): number | undefined {
  const at = args.findIndex((arg) => String(arg).toUpperCase() === 'BLOCK');
  return at === -1 ? undefined : Number(args[at + 1]);
}

/** Where each blocking command says for how long, in milliseconds; 0 is for ever. */
const TIMEOUTS: Readonly<Record<string, (args: Arguments) => number | undefined>> = {
  blpop: lastInSeconds,
  brpop: lastInSeconds,
  brpoplpush: lastInSeconds,
  blmove: lastInSeconds,
  bzpopmin: lastInSeconds,
  bzpopmax: lastInSeconds,
  blmpop: firstInSeconds,
  bzmpop: firstInSeconds,
  xread: afterBlock,
  xreadgroup: afterBlock,
  wait: (args) => Number(args[1]),
  waitaof: (args) => Number(args[2]),
};

/** Commands whose running time only their author knows. */
const SCRIPTS = /^(eval|evalsha|eval_ro|evalsha_ro|fcall|fcall_ro)$/;

/**
 * For how long Redis may leave the command unanswered because its caller wants so, in
 * milliseconds: 0 for an ordinary one, `Infinity` for one that blocks without a limit.
 */
export function blockingMs({ name, args }: Pick<Command, 'name' | 'args'>): number {
  const timeoutMs = TIMEOUTS[name.toLowerCase()]?.(args);
  if (timeoutMs === undefined) return 0;
  return timeoutMs > 0 ? timeoutMs : Infinity;
}

export function mayTakeLong(command: Pick<Command, 'name' | 'args'>): boolean {
  return blockingMs(command) > 0 || SCRIPTS.test(command.name.toLowerCase());
}
