import type { LoggerService } from '@nestjs/common';
import { AvailabilityLog } from '../azure-redis.availability-log.js';
import type { EntraTokenManager } from './entra-token-manager.js';

/** One line when refreshing starts to fail, one when it works again, one about a wrong clock. */
export function logTokenState(
  tokens: EntraTokenManager,
  logger: Pick<LoggerService, 'log' | 'warn'>,
): void {
  const availability = new AvailabilityLog(logger, {
    up: 'Entra issues tokens again.',
    down: (reason) => `The Entra token cannot be refreshed, trying again. ${reason}`,
    initially: 'up',
  });
  let clockIsRight = true;
  tokens.on('refreshFailed', ({ error }) => availability.down(() => error.message));
  tokens.on('refreshed', ({ clockSkewMs }) => {
    availability.up();
    if (clockSkewMs !== 0 && clockIsRight) {
      logger.warn(
        `The clock of this machine differs from Entra's by about ${Math.round(clockSkewMs / 1_000)} s. ` +
          'Synchronize it: tokens may look expired, or be used after they are.',
      );
    }
    clockIsRight = clockSkewMs === 0;
  });
}
