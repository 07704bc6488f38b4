import { randomUUID } from 'node:crypto';
import type { AzureRedisClient } from '../../../client/create-client.js';
import { AzureRedisError } from '../../../azure-redis.errors.js';
import { ask, type OpenSession } from '../redis-session.js';
import { type Finding, StepFailure } from '../step.js';

/** Whatever happens to this process, the key goes. */
const KEY_LIFETIME_MS = 10_000;

const READ = "return redis.call('GET', KEYS[1])";

/** Does what the package does: read, write, run a script, delete; on one key of its own. */
export async function checkRole(
  client: AzureRedisClient,
  session: OpenSession,
): Promise<Finding<true>> {
  const { namespace } = session.options.cache;
  const key = `${namespace}:doctor:${randomUUID()}`;
  const commands: readonly (readonly [name: string, run: () => Promise<unknown>])[] = [
    ['SET', () => client.set(key, 'doctor', 'PX', KEY_LIFETIME_MS)],
    ['GET', () => client.get(key)],
    ['EVAL', () => client.eval(READ, 1, key)],
    ['UNLINK', () => client.unlink(key)],
  ];
  const refused = new Map<string, AzureRedisError>();
  for (const [name, run] of commands) {
    await ask(run(), session).catch((error: unknown) => {
      if (!(error instanceof AzureRedisError)) throw error;
      refused.set(name, error);
    });
  }
  const names = commands.map(([name]) => name);
  const allowed = names.filter((name) => !refused.has(name));
  const facts = { namespace, allowed, refused: [...refused.keys()] };
  const [first] = refused.values();
  if (first === undefined) {
    return { value: true, fact: `may ${names.join(', ')} in ${namespace}:*`, facts };
  }
  throw new StepFailure(
    `may not ${[...refused.keys()].join(', ')} in ${namespace}:*`,
    [...roleAdvice(first.message, namespace), first.message],
    { ...facts, code: first.code },
  );
}

function roleAdvice(message: string, namespace: string): readonly string[] {
  if (/NOPERM.*\bkeys?\b/i.test(message)) {
    return [`Let the access policy include the keys ~${namespace}:* (custom policies name keys).`];
  }
  if (/NOPERM/.test(message)) {
    return [
      'Assign the access policy "Data Contributor" (Azure Managed Redis: "default"), not "Data Reader"; ' +
        'a custom one needs +@read +@write +@scripting.',
    ];
  }
  if (/READONLY/.test(message)) {
    return ['This is a replica, e.g. the secondary of a geo-replication: connect to the primary.'];
  }
  return [];
}
