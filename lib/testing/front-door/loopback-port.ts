import { randomInt } from 'node:crypto';
import type { Server } from 'node:net';
import { LocalAzureError } from '../local-azure.errors.js';

const ATTEMPTS = 50;

/**
 * Below every system's range for outgoing connections, so that no client socket takes the port
 * while the server is down for a moment.
 */
export const FRONT_DOOR_PORTS = { from: 20_000, to: 30_000 };
/** A cluster node's bus is 10,000 above its port. */
export const NODE_PORTS = { from: 10_001, to: 20_000 };

/** Listens on a free loopback port of the range. */
export async function listenInRange(
  server: Server,
  range: { readonly from: number; readonly to: number },
): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(range.from, range.to);
    if (await listenOn(server, port)) return port;
  }
  throw new LocalAzureError(
    'NO_FREE_PORT',
    `Expected a free port on 127.0.0.1 between ${range.from} and ${range.to}, tried ${ATTEMPTS}. End programs that listen there.`,
  );
}

/** Listens on this port and no other. */
export async function listenAt(server: Server, port: number): Promise<number> {
  if (await listenOn(server, port)) return port;
  throw new LocalAzureError(
    'NO_FREE_PORT',
    `Expected port ${port} on 127.0.0.1 to be free. End the program that listens there, or name another port.`,
  );
}

/** Whether the server could take the port. */
export function listenOn(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const onError = (): void => resolve(false);
    server.once('error', onError);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', onError);
      resolve(true);
    });
  });
}
