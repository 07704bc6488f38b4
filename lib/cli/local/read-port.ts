import { UsageError } from '../usage-error.js';

const LAST_PORT = 65_535;

/** A port with room for the `count - 1` that follow it. */
export function readPort(text: string, count: number): number {
  const last = LAST_PORT - count + 1;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= last) return port;
  throw new UsageError(`--port: expected a whole number from 1 to ${last}, got something else.`);
}
