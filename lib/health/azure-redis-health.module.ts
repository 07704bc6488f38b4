import { Module } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { AzureRedisHealthIndicator } from './azure-redis.health.js';

/**
 * Provides {@link AzureRedisHealthIndicator}; import it beside `TerminusModule`.
 *
 * @see [Health checks](https://docs.nestjs.com/recipes/terminus)
 *
 * @publicApi
 */
@Module({
  // Of its own, so that it does not matter how the application configures its TerminusModule.
  providers: [HealthIndicatorService, AzureRedisHealthIndicator],
  exports: [AzureRedisHealthIndicator],
})
export class AzureRedisHealthModule {}
