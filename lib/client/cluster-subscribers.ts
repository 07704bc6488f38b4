import type { Cluster, Redis } from 'ioredis';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import { fullJitter } from './full-jitter.js';
import { RememberedChannels } from './remembered-channels.js';

// ioredis keeps the connections behind cluster.subscribe() and ssubscribe() private, outside
// nodes(), and makes the classic one without our Connector. Should a version move them, they
// are missed here: the contract tests run on every supported version.

/** The classic subscriber and the sharded ones, as they are now. */
export function subscribersOf(cluster: Cluster): Redis[] {
  const sharded = memberOf(memberOf(cluster, 'shardedSubscribers'), 'shardedSubscribers');
  const holders: unknown[] = [
    memberOf(cluster, 'subscriber'),
    ...(sharded instanceof Map ? sharded.values() : []),
  ];
  return holders.map(instanceOf).filter((instance) => instance !== undefined);
}

/**
 * Lets the cluster choose its classic subscriber only while there is a token, and with pauses
 * while those it chose cannot connect. ioredis follows one that is refused by the next in the
 * same tick: hundreds of connections per second.
 *
 * @param onSelected called after each choice
 */
export function gateSubscriberSelection(
  cluster: Cluster,
  tokens: EntraTokenManager,
  onSelected: () => void,
): void {
  const holder = memberOf(cluster, 'subscriber');
  const original = memberOf(holder, 'selectSubscriber');
  if (typeof holder !== 'object' || holder === null || typeof original !== 'function') return;
  const channels = new RememberedChannels();
  let failures = 0;
  let isWaiting = false;

  const select = (): void => {
    // ioredis disconnects it again with each choice, and each time listens to its dead socket.
    const last = memberOf(holder, 'lastActiveSubscriber');
    if (last instanceof Object && memberOf(last, 'status') === 'end') {
      Object.assign(last, { disconnect: () => undefined });
    }
    original.call(holder);
    onSelected();
    const subscriber = instanceOf(holder);
    if (subscriber === undefined) return;
    countFailure(subscriber);
    channels.watch(subscriber);
    // ioredis found no channels of an earlier one.
    if (memberOf(holder, 'lastActiveSubscriber') === subscriber) void channels.restore(subscriber);
  };
  /** An idle subscriber never connects; being exchanged is no failure then. */
  const countFailure = (subscriber: Redis): void => {
    let hasTried = false;
    subscriber.once('connecting', () => (hasTried = true));
    subscriber.once('ready', () => {
      hasTried = false;
      failures = 0;
    });
    // Before the listener of ioredis, which chooses the next one.
    subscriber.prependOnceListener('end', () => {
      if (hasTried) failures += 1;
    });
  };
  const afterWait = (): void => {
    isWaiting = false;
    if (memberOf(holder, 'started') !== true) return;
    if (tokens.current === undefined) gated();
    else select();
  };
  const gated = (): void => {
    if (isWaiting) return;
    if (tokens.current === undefined) {
      isWaiting = true;
      tokens.once('refreshed', afterWait);
    } else if (failures > 0) {
      isWaiting = true;
      setTimeout(afterWait, fullJitter(failures)).unref();
    } else {
      select();
    }
  };
  Object.defineProperty(holder, 'selectSubscriber', { configurable: true, value: gated });
}

/**
 * Lets the sharded subscribers be chosen again after they were stopped. A reset of ioredis waits
 * for those that are connecting, stop() takes the listeners from them so that they never finish,
 * and every later reset waits behind that one: nothing would be subscribed ever again.
 */
export function unblockShardedSubscribers(cluster: Cluster): void {
  const group = memberOf(cluster, 'shardedSubscribers');
  const original = memberOf(group, 'stop');
  if (typeof group !== 'object' || group === null || typeof original !== 'function') return;
  const stop = (): void => {
    original.call(group);
    Reflect.set(group, 'isResetting', false);
  };
  Object.defineProperty(group, 'stop', { configurable: true, value: stop });
}

function instanceOf(holder: unknown): Redis | undefined {
  const getInstance = memberOf(holder, 'getInstance');
  return typeof getInstance === 'function' ? (getInstance.call(holder) ?? undefined) : undefined;
}

function memberOf(owner: unknown, name: string): unknown {
  return typeof owner === 'object' && owner !== null ? Reflect.get(owner, name) : undefined;
}
