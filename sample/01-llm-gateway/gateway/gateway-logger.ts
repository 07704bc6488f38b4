import { ConsoleLogger } from '@nestjs/common';

/** Warnings and errors, but not those that end the start: they are thrown as well, and told in one line. */
export class GatewayLogger extends ConsoleLogger {
  constructor() {
    super({ logLevels: ['warn', 'error', 'fatal'] });
  }

  override error(message: unknown, ...rest: [stackOrContext?: string]): void {
    const isBootFailure = rest.at(-1) === 'ExceptionHandler';
    const isListenFailure = typeof message === 'string' && message.startsWith('Error: listen ');
    if (!isBootFailure && !isListenFailure) super.error(message, ...rest);
  }
}
