import type { Command, Redis } from 'ioredis';

/** Each command that subscribes, and the one that undoes it. */
const SUBSCRIBE = { subscribe: 'unsubscribe', psubscribe: 'punsubscribe' } as const;

type Kind = keyof typeof SUBSCRIBE;
const KINDS: readonly Kind[] = ['subscribe', 'psubscribe'];

/**
 * The channels that an application has subscribed to by way of connections that follow each
 * other. ioredis takes them from the last one that it believes to be subscribed, and forgets them
 * for good when that was exchanged while it still subscribed.
 */
export class RememberedChannels {
  readonly #names: Readonly<Record<Kind, Set<string>>> = {
    subscribe: new Set(),
    psubscribe: new Set(),
  };

  /** Follows what is subscribed to on this connection. */
  watch(subscriber: Redis): void {
    const send = subscriber.sendCommand.bind(subscriber);
    subscriber.sendCommand = (command, stream) => {
      const result = send(command, stream);
      this.#follow(command);
      return result;
    };
  }

  /** Subscribes a connection that begins with nothing. */
  async restore(subscriber: Redis): Promise<void> {
    for (const kind of KINDS) {
      const names = [...this.#names[kind]];
      // A failure ends the connection, and with it comes the next one.
      if (names.length > 0) await subscriber[kind](...names).catch(() => undefined);
    }
  }

  #follow({ name, args, promise }: Command): void {
    const command = name.toLowerCase();
    for (const kind of KINDS) {
      const names = this.#names[kind];
      if (command === kind) {
        promise.then(
          () => args.forEach((arg) => names.add(String(arg))),
          () => undefined,
        );
      } else if (command === SUBSCRIBE[kind]) {
        if (args.length === 0) names.clear();
        args.forEach((arg) => names.delete(String(arg)));
      }
    }
  }
}
