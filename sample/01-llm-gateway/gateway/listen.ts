import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { StartError } from '../start.error.js';

/**
 * Listens on loopback: the gateway adds its own key or identity to what it forwards, so it is not
 * for other machines.
 *
 * @returns the gateway's URL
 */
export async function listen(gateway: INestApplication<Server>, port: string): Promise<string> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new StartError('PORT must be a number from 0 to 65535.');
  }
  try {
    await gateway.listen(Number(port), '127.0.0.1');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new StartError(`Port ${port} is in use. Choose another one: PORT=3001 npm start`);
    }
    if (code === 'EACCES') {
      throw new StartError(
        `Port ${port} needs more rights. Choose another one: PORT=3001 npm start`,
      );
    }
    throw error;
  }
  const address = gateway.getHttpServer().address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}
