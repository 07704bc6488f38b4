import { readFile } from 'node:fs/promises';
import { SERVER_CORE } from './pinning.js';

/** Ticks of one core since its start. */
export interface ProcessorTime {
  readonly busy: number;
  /** What the host gave to others. */
  readonly stolen: number;
  readonly all: number;
}

/** Of the core of the servers; `undefined` where there is no /proc. */
export async function processorTime(): Promise<ProcessorTime | undefined> {
  try {
    return readProcessorTime(await readFile('/proc/stat', 'utf8'), SERVER_CORE);
  } catch {
    return undefined;
  }
}

/** @param text of /proc/stat, see proc(5) */
export function readProcessorTime(text: string, core: number): ProcessorTime | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`cpu${core} `));
  if (line === undefined) return undefined;
  // Guest time is in user time already.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  const [, , , idle = 0, waiting = 0, , , stolen = 0] = ticks;
  return { busy: all - idle - waiting - stolen, stolen, all };
}

/** Shares of the core, 0 to 1. */
export interface Disturbance {
  /** Taken by other processes than the server. */
  readonly others: number;
  readonly stolen: number;
}

export function disturbance(
  before: ProcessorTime | undefined,
  after: ProcessorTime | undefined,
  serverShare: number,
): Disturbance | undefined {
  if (before === undefined || after === undefined || after.all === before.all) return undefined;
  const all = after.all - before.all;
  return {
    others: Math.max(0, (after.busy - before.busy) / all - serverShare),
    stolen: (after.stolen - before.stolen) / all,
  };
}
