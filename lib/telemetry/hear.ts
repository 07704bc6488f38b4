import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { diag } from '@opentelemetry/api';
import type { AzureRedisConnectionEvents } from '../client/azure-redis-connection.js';
import type { LlmCacheEvent } from '../llm-cache/accounting/llm-cache-event.interface.js';
import type { StoreOperationEvent } from '../store/store-operation.js';

type ConnectionMessages = {
  readonly [Event in keyof AzureRedisConnectionEvents]: AzureRedisConnectionEvents[Event][0];
};

/** By the names of the diagnostics channels, behind that of the package. */
interface Messages extends ConnectionMessages {
  readonly storeOperation: StoreOperationEvent;
  readonly llmCache: LlmCacheEvent;
}

/** A method, whose message may be narrower than `unknown`: nobody else publishes on its channel. */
interface Listener<Message> {
  hear(message: Message): void;
}

/** @returns what ends it */
export function hear<Event extends keyof Messages>(
  event: Event,
  listen: (message: Messages[Event]) => void,
): () => void {
  const listener: Listener<unknown> = {
    hear(message: Messages[Event]) {
      listen(message);
    },
  };
  const onMessage = (message: unknown): void => {
    try {
      listener.hear(message);
    } catch (error) {
      // Out of here, it would be an uncaught exception of the application.
      diag.error(`nestjs-azure-redis: Telemetry failed to record "${event}".`, error);
    }
  };
  const channel = `nestjs-azure-redis:${event}`;
  subscribe(channel, onMessage);
  return () => unsubscribe(channel, onMessage);
}
