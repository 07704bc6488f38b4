import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Sse } from '@nestjs/common';
import type { MessageEvent } from '@nestjs/common';
import { AzureRedisConnection, InjectAzureRedisConnection } from 'nestjs-azure-redis';
import { Observable } from 'rxjs';
import { hearConnection } from './connection-news.js';
import { LiveState } from './live-state.js';

/** The clock of the token counts seconds. */
const SNAPSHOT_INTERVAL_MS = 1_000;
const LLM_CACHE = 'nestjs-azure-redis:llmCache';

/** What the panels show, as it changes. */
@Controller('playground/events')
export class EventsController {
  readonly #state: LiveState;
  readonly #connection: AzureRedisConnection;

  constructor(state: LiveState, @InjectAzureRedisConnection() connection: AzureRedisConnection) {
    this.#state = state;
    this.#connection = connection;
  }

  @Sse()
  events(): Observable<MessageEvent> {
    return new Observable((subscriber) => {
      const sendState = (): void =>
        subscriber.next({ type: 'state', data: this.#state.snapshot() });
      // The counts change right after the event.
      const onAnswer = (): void => queueMicrotask(sendState);
      const stopHearing = hearConnection(this.#connection, (news) => {
        subscriber.next({ type: 'news', data: news });
        sendState();
      });
      subscribe(LLM_CACHE, onAnswer);
      const timer = setInterval(sendState, SNAPSHOT_INTERVAL_MS);
      sendState();
      return () => {
        clearInterval(timer);
        unsubscribe(LLM_CACHE, onAnswer);
        stopHearing();
      };
    });
  }
}
