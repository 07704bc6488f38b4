import { channel } from 'node:diagnostics_channel';

/** Whether anybody listens. */
export const isHeard = (event: string): boolean =>
  channel(`nestjs-azure-redis:${event}`).hasSubscribers;

/**
 * Publishes on the diagnostics channel `nestjs-azure-redis:<event>`; free while nobody listens.
 * The messages are the details of the events of {@link AzureRedisConnection}.
 */
export function publish(event: string, detail: object): void {
  const target = channel(`nestjs-azure-redis:${event}`);
  if (target.hasSubscribers) target.publish(detail);
}
