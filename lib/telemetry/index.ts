export { AzureRedisTelemetryModule } from './azure-redis-telemetry.module.js';
export type { AzureRedisTelemetryOptions } from './azure-redis-telemetry-options.interface.js';
