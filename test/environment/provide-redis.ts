import { provideProgram } from './provide-program.js';
import { REDIS } from './programs.js';

/** Vitest's global setup for tests on a real Redis. */
export function setup(): void {
  provideProgram(REDIS);
}
