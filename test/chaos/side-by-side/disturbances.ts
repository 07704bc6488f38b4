import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { seededRandom } from '../../unit/testing/seeded-random.js';
import type { Random } from '../faults.js';

const OUTAGE_MS = 1_200;

/** Entra is away for 1.2 s now and then, and a random socket is killed about every second. */
export async function disturb(
  azures: readonly LocalAzure[],
  seconds: number,
  seed: number,
): Promise<void> {
  const random = seededRandom(seed);
  const until = Date.now() + seconds * 1_000;
  const killers = azures.map((azure) => new SocketKiller(azure));
  try {
    await Promise.all([outages(azures, until, random), kills(killers, until, random)]);
  } finally {
    for (const { entra } of azures) entra.recover();
    for (const killer of killers) killer.close();
  }
}

async function outages(azures: readonly LocalAzure[], until: number, random: Random) {
  while (Date.now() + 2_000 + OUTAGE_MS < until) {
    await sleep(1_000 + random.below(3_000));
    for (const { entra } of azures) entra.disconnect();
    await sleep(OUTAGE_MS);
    for (const { entra } of azures) entra.recover();
    // And some requests fail by themselves, with an error that MSAL does not remember.
    for (const { entra } of azures) entra.fail({ status: 400, times: random.below(2) });
  }
}

async function kills(killers: readonly SocketKiller[], until: number, random: Random) {
  while (Date.now() + 2_000 < until) {
    await sleep(500 + random.below(1_000));
    const share = random.below(1_000) / 1_000;
    await Promise.all(killers.map((killer) => killer.kill(share)));
  }
}

/** Cuts one client of one node, as a network would: nobody asks whether it is busy. */
class SocketKiller {
  readonly #nodes: readonly Redis[];

  constructor({ connection, entra, identity, redis }: LocalAzure) {
    const { host, tls } = connection;
    this.#nodes = redis.ports.map((port) => {
      const node = new Redis({
        host,
        port,
        tls,
        username: identity.objectId,
        // One that outlives the run.
        password: entra.issue({ exp: Math.floor(Date.now() / 1_000) + 3_600 }),
        connectionName: OWN_NAME,
        retryStrategy: () => 100,
      });
      return node.on('error', () => undefined);
    });
  }

  /** @param share which of the clients: the same one of comparable sets, from 0 to 1 */
  async kill(share: number): Promise<void> {
    const clients = (await Promise.all(this.#nodes.map(clientsOf))).flat();
    const victim = clients[Math.floor(share * clients.length)];
    await victim?.node.call('CLIENT', 'KILL', 'ID', victim.id).catch(() => undefined);
  }

  close(): void {
    for (const node of this.#nodes) node.disconnect();
  }
}

const OWN_NAME = 'killer';

/** Authenticated clients; the cluster's own connections and ours are left alone. */
async function clientsOf(node: Redis): Promise<{ node: Redis; id: string }[]> {
  const list = String(await node.call('CLIENT', 'LIST', 'TYPE', 'normal'));
  const pubSub = String(await node.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  return `${list}\n${pubSub}`
    .split('\n')
    .filter((line) => !line.includes(`name=${OWN_NAME}`) && !line.includes('user=local-azure'))
    .flatMap((line) => /^id=(\d+)/.exec(line)?.[1] ?? [])
    .map((id) => ({ node, id }));
}
