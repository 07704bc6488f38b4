import type { ProbeName } from '../plan/probes.js';
import type { Bench } from '../run/bench.js';
import { firstByteDelay } from './first-byte-delay.js';
import { idleConnection } from './idle-connection.js';
import { importTime } from './import-time.js';
import { inFlightStream, inFlightUncached } from './in-flight-stream.js';

export const PROBE_MEASUREMENTS: Readonly<Record<ProbeName, (bench: Bench) => Promise<number>>> = {
  firstByteDelay,
  idleConnection,
  inFlightStream,
  inFlightUncached,
  importTime,
};
