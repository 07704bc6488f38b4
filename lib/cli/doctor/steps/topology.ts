import { AzureRedisError } from '../../../azure-redis.errors.js';
import type { AzureRedisClient } from '../../../client/create-client.js';
import { explainConnectionError } from '../../../client/explain-connection-error.js';
import { type NodeAddress, mastersIn } from '../cluster-masters.js';
import { askAnything, openClient, openNode } from '../redis-session.js';
import { type Finding, StepFailure } from '../step.js';
import type { Session } from './auth.js';

/** Asks Redis what it is, compares that with the option, and opens a client that fits. */
export async function checkTopology(session: Session): Promise<Finding<AzureRedisClient>> {
  const { options, redis, tokens } = session;
  const facts = { ...options, username: tokens.token.username };
  // What a cluster client asks first; only a cluster has an answer.
  const answer = await askAnything(redis.cluster('SLOTS'), session);
  const masters = mastersIn(answer, options);
  const isCluster = masters.length > 0;
  if (options.topology === 'standalone') {
    if (isCluster) throw explainConnectionError(new Error('MOVED 0 to other nodes'), facts);
    const fact = 'one endpoint, as the option says';
    return { value: redis, fact, facts: { cluster: false } };
  }
  if (!isCluster) {
    const refusal = answer instanceof Error ? answer : new Error('cluster support disabled');
    throw explainConnectionError(refusal, facts);
  }
  await reachAll(masters, session);
  return {
    value: await openClient(session),
    fact: `cluster of ${masters.length} masters, all reached`,
    facts: { cluster: true, masters: masters.map(nameOf) },
  };
}

/** The shards have ports of their own, which a firewall may not know. */
async function reachAll(masters: readonly NodeAddress[], session: Session): Promise<void> {
  const reached = await Promise.allSettled(
    masters.map((node) => openNode({ ...session, options: { ...session.options, ...node } })),
  );
  const reasons = reached.flatMap((result) => (result.status === 'rejected' ? result : []));
  const names = masters.map(nameOf);
  const lost = names.filter((_, index) => reached[index]?.status === 'rejected');
  const [first] = reasons;
  if (first === undefined) return;
  throw new StepFailure(
    `${lost.length} of ${names.length} masters cannot be reached`,
    [
      `Open the way to ${lost.join(', ')}: the shards of Azure Managed Redis listen on ports 8500 to 8599, ` +
        'those of Azure Cache for Redis on 13000 to 13999 and 15000 to 15999.',
      ...(first.reason instanceof AzureRedisError ? [first.reason.message] : []),
    ],
    { masters: names, lost },
  );
}

const nameOf = ({ host, port }: NodeAddress): string => `${host}:${port}`;
