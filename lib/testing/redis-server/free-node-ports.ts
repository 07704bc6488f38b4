import { createServer, type Server } from 'node:net';
import { listenInRange, listenOn, NODE_PORTS } from '../front-door/loopback-port.js';
import { busPort } from './cluster-plan.js';

const ATTEMPTS_PER_NODE = 10;

/** Ports that are free now, and whose bus ports are too. */
export async function freeNodePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  const held: Server[] = [];
  const attempts = ATTEMPTS_PER_NODE * count;
  try {
    for (let attempt = 0; attempt < attempts && found.length < count; attempt += 1) {
      const [client, bus] = [createServer(), createServer()];
      held.push(client, bus);
      const port = await listenInRange(client, NODE_PORTS);
      if (await listenOn(bus, busPort(port))) found.push(port);
    }
  } finally {
    await Promise.all(held.map(closeServer));
  }
  return found;
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
