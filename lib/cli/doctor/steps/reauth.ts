import { AzureRedisError } from '../../../azure-redis.errors.js';
import { ask } from '../redis-session.js';
import { type Finding, StepFailure } from '../step.js';
import type { Session } from './auth.js';

/** What keeps a connection beyond the life of its token: AUTH on the same socket. */
export async function checkReauth(session: Session): Promise<Finding<true>> {
  const { redis, tokens, manager } = session;
  const token = manager.current ?? tokens.token;
  const { stream } = redis;
  try {
    await ask(redis.auth(token.username, token.reveal()), session);
    await ask(redis.ping(), session);
  } catch (error) {
    if (!(error instanceof AzureRedisError)) throw error;
    const { code, message } = error;
    throw new StepFailure(code, [
      message,
      `Connections would be lost when their token expires, at ${new Date(token.expiresAt).toISOString()}.`,
    ]);
  }
  if (redis.stream !== stream) {
    throw new StepFailure('the connection was replaced meanwhile', [
      'Redis or something in between closed it: run this again, and look for proxies and restarts.',
    ]);
  }
  return { value: true, fact: 'the same connection took a token again' };
}
