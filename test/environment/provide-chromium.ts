import type { TestProject } from 'vitest/node';
import { provideProgram } from './provide-program.js';
import { CHROMIUM } from './programs.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the executable. */
    chromium: string;
  }
}

/** Vitest's global setup for tests in a real browser. */
export function setup(project: TestProject): void {
  project.provide('chromium', provideProgram(CHROMIUM));
}
