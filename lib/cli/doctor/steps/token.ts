import type { TokenCredential } from '@azure/identity';
import { AzureRedisError } from '../../../azure-redis.errors.js';
import type { AzureRedisOptions } from '../../../options/azure-redis-options.interface.js';
import { EntraTokenManager } from '../../../token/entra-token-manager.js';
import type { RedisToken } from '../../../token/redis-token.js';
import { type Finding, StepFailure } from '../step.js';
import { isForRedis, readTokenFacts, type TokenFacts } from '../token-facts.js';
import { tokenFailureAdvice } from '../token-failure-advice.js';

export interface Tokens {
  readonly manager: EntraTokenManager;
  readonly token: RedisToken;
  readonly facts: TokenFacts;
}

/** Asks Entra once, as an application does at its start. */
export async function checkToken(
  options: AzureRedisOptions,
  credential: TokenCredential,
  onClose: (close: () => void) => void,
): Promise<Finding<Tokens>> {
  const { scope, username, deadlines } = options;
  const manager = new EntraTokenManager(credential, {
    scope,
    username,
    deadlineMs: deadlines.tokenMs,
  });
  onClose(() => manager.close());
  const token = await firstToken(manager).catch((error: unknown) => {
    throw tokenFailure(error, options);
  });
  const facts = readTokenFacts(token.reveal());
  const { expiresAt, clockSkewMs, username: user } = token;
  const { objectId = 'unknown', tenantId = 'unknown', audience = 'unknown', clientId } = facts;
  return {
    value: { manager, token, facts },
    fact: `object id ${objectId}, tenant ${tenantId}, for ${audience}, expires in ${timeUntil(expiresAt)}`,
    facts: {
      objectId,
      tenantId,
      audience,
      ...(clientId !== undefined && { clientId }),
      username: user,
      expiresAt: new Date(expiresAt).toISOString(),
      clockSkewMs,
    },
    advice: [
      ...(isForRedis(facts)
        ? []
        : [`The audience is not the one of Redis in the public cloud. Check the scope ${scope}.`]),
      ...(clockSkewMs === 0 ? [] : [clockAdvice(clockSkewMs)]),
    ],
  };
}

/** The first attempt decides; the manager itself would go on for ever. */
function firstToken(manager: EntraTokenManager): Promise<RedisToken> {
  return new Promise((resolve, reject) => {
    manager.once('refreshFailed', ({ error }) => reject(error));
    manager.once('refreshed', () => {
      const { current } = manager;
      if (current !== undefined) resolve(current);
      else reject(new AzureRedisError('TOKEN_EXPIRED', 'The token expires in this moment.'));
    });
    manager.start();
  });
}

function tokenFailure(error: unknown, options: AzureRedisOptions): unknown {
  if (!(error instanceof AzureRedisError)) return error;
  const { code, message } = error;
  return new StepFailure(code, [message, ...tokenFailureAdvice(error, options.credential)], {
    code,
  });
}

/** In minutes, or in seconds when there are few of them. */
function timeUntil(moment: number): string {
  const seconds = Math.max(0, Math.round((moment - Date.now()) / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

const clockAdvice = (skewMs: number): string =>
  `The clock of this host differs from Entra's by about ${Math.round(Math.abs(skewMs) / 1_000)} s. ` +
  'Synchronize it: tokens may look expired, or be used after they are.';
