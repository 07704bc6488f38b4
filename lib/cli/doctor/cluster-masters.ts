import type { AzureRedisOptions } from '../../options/azure-redis-options.interface.js';

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The masters in an answer to CLUSTER SLOTS, `[[from, to, [host, port, …], …replicas], …]`; none
 * in any other answer.
 */
export function mastersIn(
  slots: unknown,
  { host: ownHost, redis }: Pick<AzureRedisOptions, 'host' | 'redis'>,
): readonly NodeAddress[] {
  if (!Array.isArray(slots)) return [];
  const masters = new Map<string, NodeAddress>();
  for (const range of slots) {
    const node: unknown = Array.isArray(range) ? range[2] : undefined;
    if (!Array.isArray(node)) continue;
    const [host, port]: readonly unknown[] = node;
    // No host means "the one that you asked".
    const announced = {
      host: typeof host === 'string' && host ? host : ownHost,
      port: Number(port),
    };
    const name = `${announced.host}:${announced.port}`;
    const natMap = redis.cluster?.natMap;
    masters.set(name, (typeof natMap === 'object' ? natMap[name] : undefined) ?? announced);
  }
  return [...masters.values()];
}
