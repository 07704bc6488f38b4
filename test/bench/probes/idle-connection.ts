import type { Bench } from '../run/bench.js';

const MORE = 40;

/** In KB: what each connection beyond the first one takes. */
export function idleConnection(bench: Bench): Promise<number> {
  return bench.withServer('connections', {}, async (server) => {
    // The first one loads code that all of them share.
    await server.ask('connect', 1);
    const before = await server.ask('memory');
    await server.ask('connect', MORE);
    const after = await server.ask('memory');
    return (after.memoryBytes - before.memoryBytes) / MORE / 1_024;
  });
}
