#!/usr/bin/env node
import { runCommandLine } from './command-line.js';
import { processSurroundings } from './process-surroundings.js';

// What a command waits for may hold no handle of its own; Node would end it half-way.
setInterval(() => undefined, 2 ** 30);

const exitCode = await runCommandLine(process.argv.slice(2), processSurroundings());
// Requests of @azure/identity cannot be aborted, and would hold the process.
process.stdout.write('', () => process.exit(exitCode));
