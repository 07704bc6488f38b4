import type { Cluster, Redis } from 'ioredis';
import type { EntraTokenManager } from '../token/entra-token-manager.js';

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
 * Lets the cluster choose its classic subscriber only while there is a token. A subscriber that
 * is refused is followed by the next in the same tick, without any pause.
 *
 * @param onSelected called after each choice
 */
export function gateSubscriberSelection(
  cluster: Cluster,
  tokens: EntraTokenManager,
  onSelected: () => void,
): void {
  const holder = memberOf(cluster, 'subscriber');
  const select = memberOf(holder, 'selectSubscriber');
  if (typeof holder !== 'object' || holder === null || typeof select !== 'function') return;
  let isWaiting = false;
  const selectWithToken = (): void => {
    if (tokens.current !== undefined) {
      select.call(holder);
      onSelected();
      return;
    }
    if (isWaiting) return;
    isWaiting = true;
    tokens.once('refreshed', () => {
      isWaiting = false;
      if (memberOf(holder, 'started') === true) selectWithToken();
    });
  };
  Object.defineProperty(holder, 'selectSubscriber', { configurable: true, value: selectWithToken });
}

function instanceOf(holder: unknown): Redis | undefined {
  const getInstance = memberOf(holder, 'getInstance');
  return typeof getInstance === 'function' ? (getInstance.call(holder) ?? undefined) : undefined;
}

function memberOf(owner: unknown, name: string): unknown {
  return typeof owner === 'object' && owner !== null ? Reflect.get(owner, name) : undefined;
}
