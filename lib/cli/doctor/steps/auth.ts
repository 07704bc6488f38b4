import type { Redis } from 'ioredis';
import { AzureRedisError } from '../../../azure-redis.errors.js';
import type { AzureRedisOptions } from '../../../options/azure-redis-options.interface.js';
import { azureServiceOf } from '../azure-service.js';
import { type OpenSession, openNode } from '../redis-session.js';
import { type Finding, StepFailure } from '../step.js';
import { isForRedis } from '../token-facts.js';
import type { Tokens } from './token.js';

export interface Session extends OpenSession {
  /** Its socket stays the same through all steps. */
  readonly redis: Redis;
  readonly tokens: Tokens;
}

/** Opens the connection on which the following steps ask. */
export async function checkAuth(
  options: AzureRedisOptions,
  tokens: Tokens,
  onClose: (close: () => void) => void,
): Promise<Finding<Session>> {
  const { manager, token } = tokens;
  const open = { options, manager, onClose };
  try {
    const redis = await openNode(open);
    return {
      value: { ...open, redis, tokens },
      fact: `Redis accepts ${token.username}`,
      facts: { username: token.username },
    };
  } catch (error) {
    if (!(error instanceof AzureRedisError)) throw error;
    const { code, message } = error;
    throw new StepFailure(
      code,
      code === 'IDENTITY_REFUSED' ? refusedAdvice(message, options, tokens) : [message],
      { code },
    );
  }
}

/** The token shows what Redis does not say. */
function refusedAdvice(
  message: string,
  { host, scope }: AzureRedisOptions,
  { token, facts }: Tokens,
): readonly string[] {
  const { objectId, clientId, tenantId = 'unknown' } = facts;
  if (objectId !== undefined && token.username !== objectId) {
    const what =
      token.username === clientId
        ? 'is the client id'
        : 'is not the object id in the token; groups have no access either';
    return [
      `The username ${token.username} ${what}. Leave "username" out, or set it to the object id ${objectId}.`,
      message,
    ];
  }
  if (!isForRedis(facts)) {
    return [
      `The token is for ${facts.audience}, not for Redis. Leave "scope" out (it is ${scope}).`,
      message,
    ];
  }
  const command = azureServiceOf(host)?.accessCommand(token.username);
  return [
    message,
    ...(command === undefined ? [] : [command]),
    'Granted just now? Azure needs some minutes to apply it: run this again.',
    `The token is of tenant ${tenantId}: the cache must belong to the same one.`,
  ];
}
