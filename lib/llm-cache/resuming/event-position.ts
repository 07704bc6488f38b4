import { randomUUID } from 'node:crypto';

/** Where in which event stream a caller is. */
export interface EventPosition {
  /** The origin of the answer. */
  readonly answer: string;
  /** Which replay of it: what each caller gets anew is the same in all parts of one replay. */
  readonly replay: string;
  /** Events count from 0 on. */
  readonly event: number;
}

/** Stands for the answer as it came. */
export const AS_IT_CAME = '-';

/** The name of a replay begins with its time. */
const LAST_EVENT_ID = /^([\w-]{1,40})\.(-|[\da-z]{1,9}_[\w-]{1,30})\.(\d{1,9})$/;

export function eventId({ answer, replay, event }: EventPosition): string {
  return `${answer}.${replay}.${event}`;
}

/** @returns `undefined` for an id that is none of ours */
export function readEventId(text: unknown): EventPosition | undefined {
  const [, answer, replay, event] = LAST_EVENT_ID.exec(typeof text === 'string' ? text : '') ?? [];
  if (answer === undefined || replay === undefined) return undefined;
  return { answer, replay, event: Number(event) };
}

/** All but the last group: 74 random bits. Node makes many of them at a time. */
const UUID_LENGTH = 23;

/** Names a replay: its ids and times follow from it. */
export function newReplay(now: number = Date.now()): string {
  return `${Math.floor(now / 1_000).toString(36)}_${randomUUID().slice(0, UUID_LENGTH)}`;
}

/** In Unix seconds. */
export function timeOfReplay(replay: string): number {
  return Number.parseInt(replay.split('_', 1)[0] ?? '', 36);
}
