import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { AppModule } from '../app.module.js';
import type { GatewayOptions } from '../app.module.js';
import { GatewayLogger } from './gateway-logger.js';

/** The gateway, on Express unless another adapter is given; `listen()` is left to the caller. */
export async function createGateway(
  options: GatewayOptions,
  adapter: AbstractHttpAdapter = new ExpressAdapter(),
): Promise<INestApplication> {
  // Prompts with images are larger than the 100 kB that Express allows by default.
  if (adapter instanceof ExpressAdapter) adapter.useBodyParser('json', true, { limit: '20mb' });
  return NestFactory.create(AppModule.register(options), adapter, {
    rawBody: true,
    logger: new GatewayLogger(),
    // A mistake at boot is thrown to the caller instead of ending the process.
    abortOnError: false,
    // Ctrl-C does not wait for answers that still stream.
    forceCloseConnections: true,
  });
}
