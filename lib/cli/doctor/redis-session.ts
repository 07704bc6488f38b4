import { Redis } from 'ioredis';
import { withDeadline } from '../../azure-redis.deadline.js';
import { AzureRedisError } from '../../azure-redis.errors.js';
import { ConnectionRegistry } from '../../client/connection-registry.js';
import { type AzureRedisClient, createClient } from '../../client/create-client.js';
import { explainConnectionError } from '../../client/explain-connection-error.js';
import type { AzureRedisOptions } from '../../options/azure-redis-options.interface.js';
import type { EntraTokenManager } from '../../token/entra-token-manager.js';

export interface OpenSession {
  readonly options: AzureRedisOptions;
  readonly manager: EntraTokenManager;
  readonly onClose: (close: () => void) => void;
}

/** One connection to the address itself, whatever the topology: each step has its own question. */
export async function openNode(open: OpenSession): Promise<Redis> {
  const options = { ...open.options, topology: 'standalone' as const };
  const client = await openClient({ ...open, options });
  if (client instanceof Redis) return client;
  throw new TypeError('Expected a client of one node');
}

/**
 * A client as an application has it, that tries once.
 *
 * @throws what its connection said, explained
 */
export async function openClient({
  options,
  manager,
  onClose,
}: OpenSession): Promise<AzureRedisClient> {
  const { connectMs, handshakeMs } = options.deadlines;
  const never = (): null => null;
  const redis = {
    ...options.redis,
    retryStrategy: never,
    cluster: { ...options.redis.cluster, clusterRetryStrategy: never },
  };
  const registry = new ConnectionRegistry(manager, handshakeMs);
  const client = registry.manage(createClient({ ...options, redis }, manager));
  onClose(() => client.disconnect());
  let reason: unknown;
  const remember = (error: unknown): void => {
    reason ??= error;
  };
  client.on('error', remember).on('node error', remember);
  const deadlineMs = connectMs + handshakeMs;
  try {
    await withDeadline(client.connect(), deadlineMs, () => unanswered(options, deadlineMs));
  } catch (error) {
    throw explainConnectionError(reason ?? error, {
      ...options,
      username: manager.current?.username,
    });
  }
  return client;
}

/** The reply to one command, or an error that says what to do. */
export async function ask<Reply>(
  reply: Promise<Reply>,
  { options, manager }: OpenSession,
): Promise<Reply> {
  const deadlineMs = options.deadlines.connectMs;
  try {
    return await withDeadline(reply, deadlineMs, () => unanswered(options, deadlineMs));
  } catch (error) {
    throw explainConnectionError(error, { ...options, username: manager.current?.username });
  }
}

/** The reply, or the error that Redis answered with: it says something as well. */
export function askAnything(reply: Promise<unknown>, session: OpenSession): Promise<unknown> {
  return ask(
    reply.catch((error: unknown) => error),
    session,
  );
}

function unanswered({ host, port }: AzureRedisOptions, deadlineMs: number): AzureRedisError {
  return new AzureRedisError(
    'DEADLINE_EXCEEDED',
    `Redis at ${host}:${port} did not answer within ${deadlineMs} ms. ` +
      'It is overloaded or restarting: look at its metrics (Server Load, Errors), and run this again.',
  );
}
