export { AzureRedisHealthModule } from './azure-redis-health.module.js';
export { AzureRedisHealthIndicator } from './azure-redis.health.js';
export type { AzureRedisHealthOptions } from './azure-redis-health-options.interface.js';
