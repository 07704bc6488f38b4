import { Redis } from 'ioredis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import type { seededRandom } from '../unit/testing/seeded-random.js';

export type Random = ReturnType<typeof seededRandom>;

export interface Fault {
  /** With its numbers, as the schedule is printed. */
  readonly name: string;
  begin(azure: LocalAzure): void | Promise<void>;
  /** What has to be done before `recover()`. */
  end?(azure: LocalAzure): Promise<void>;
  /** Errors that it may give to commands; everything else must be kept from the user. */
  readonly explains?: RegExp;
  /** All others may cut connections: by themselves, or because sessions run out under them. */
  readonly keepsConnections?: true;
  /** Good tokens may be refused while it lasts. */
  readonly refusesTokens?: true;
}

export type FaultMaker = (random: Random) => Fault;

/** Redis itself says so to whoever authenticates; commands that waited for it fail with it. */
const REFUSED_IDENTITY = /WRONGPASS|NOAUTH/;
const between = (random: Random, from: number, to: number): number =>
  from + random.below(to - from + 1);

/** On either topology. */
export const redisFaults: readonly [FaultMaker, ...FaultMaker[]] = [
  () => ({ name: 'kill by FIN', begin: ({ redis }) => redis.kill('fin') }),
  () => ({ name: 'kill by RST', begin: ({ redis }) => redis.kill('rst') }),
  () => ({ name: 'refuse', begin: ({ redis }) => redis.refuse() }),
  // A token that was good when it was sent may have run out when Redis gets to it.
  () => ({
    name: 'stall',
    begin: ({ redis }) => redis.stall(),
    explains: REFUSED_IDENTITY,
    refusesTokens: true,
  }),
  () => ({ name: 'black hole', begin: ({ redis }) => redis.blackhole() }),
  (random) => {
    const ms = between(random, 20, 300);
    return {
      name: `replies ${ms} ms late`,
      begin: ({ redis }) => redis.delay(ms),
      keepsConnections: true,
    };
  },
  (random) => {
    const ms = between(random, 100, 1_200);
    return {
      name: `AUTH ${ms} ms late`,
      begin: ({ redis }) => redis.delayAuth(ms),
      explains: REFUSED_IDENTITY,
      refusesTokens: true,
    };
  },
  (random) => {
    const times = random.below(2) === 0 ? between(random, 1, 20) : Infinity;
    return {
      name: `${times} AUTHs refused`,
      begin: ({ redis }) => redis.rejectAuth(times),
      explains: REFUSED_IDENTITY,
      refusesTokens: true,
    };
  },
  () => ({
    name: 'identity revoked',
    begin: ({ redis }) => redis.revoke(),
    explains: REFUSED_IDENTITY,
    refusesTokens: true,
  }),
];

/** A write in a MULTI fails it; whoever is blocked is told that the server has changed. */
const DEMOTED = /READONLY|EXECABORT|UNBLOCKED/;

/** The master becomes a replica for a while, as in a failover, and its clients do not notice. */
export const demoted: FaultMaker = () => ({
  name: 'demoted',
  begin: (azure) => replicaOf(azure, '127.0.0.1', '1'),
  end: (azure) => replicaOf(azure, 'NO', 'ONE'),
  explains: DEMOTED,
  keepsConnections: true,
});

/** A replica takes over one master after the other. */
export const failover: FaultMaker = (random) => {
  const index = random.below(3);
  return {
    name: `failover of node ${index}`,
    begin: async ({ redis }) => {
      await redis.failover(index);
    },
    explains: DEMOTED,
  };
};

async function replicaOf(
  { connection, identity, entra }: LocalAzure,
  host: string,
  port: string,
): Promise<void> {
  const admin = new Redis({
    host: connection.host,
    port: connection.port,
    tls: connection.tls,
    username: identity.objectId,
    password: entra.issue(),
  });
  admin.on('error', () => undefined);
  try {
    await admin.replicaof(host, port);
  } finally {
    admin.disconnect();
  }
}

export const entraFaults: readonly [FaultMaker, ...FaultMaker[]] = [
  () => ({ name: 'Entra hangs', begin: ({ entra }) => entra.hang() }),
  () => ({ name: 'Entra says 401', begin: ({ entra }) => entra.fail({ status: 401 }) }),
  (random) => {
    const status = random.pick([500, 502, 503, 504]);
    return { name: `Entra says ${status}`, begin: ({ entra }) => entra.fail({ status }) };
  },
  (random) => {
    const times = between(random, 1, 4);
    return { name: `Entra fails ${times} times`, begin: ({ entra }) => entra.fail({ times }) };
  },
  () => ({ name: 'Entra is gone', begin: ({ entra }) => entra.disconnect() }),
];

/** After it @azure/identity refuses by itself for a minute, unless each call has an instance of its own. */
export const throttledByEntra: FaultMaker = () => ({
  name: 'Entra says 429',

  begin: ({ entra }) => entra.throttle(),
});
