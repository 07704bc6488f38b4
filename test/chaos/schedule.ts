import { seededRandom } from '../unit/testing/seeded-random.js';
import {
  demoted,
  entraFaults,
  failover,
  redisFaults,
  throttledByEntra,
  type Fault,
  type FaultMaker,
  type Random,
} from './faults.js';

/** What Entra is like for the whole run. */
export interface EntraCondition {
  readonly tokenLifetimeMs: number;
  readonly clockSkewMs: number;
  /** What the answers claim instead of the lifetime. */
  readonly reportedLifetimeMs: number | undefined;
  /** The user's own credential, a new instance for each call; only that survives a 429 at once. */
  readonly ownCredential: boolean;
}

export interface Incident {
  readonly side: 'redis' | 'entra';
  /** Milliseconds since the start. */
  readonly from: number;
  readonly until: number;
  readonly fault: Fault;
}

export interface Schedule {
  readonly seed: number;
  readonly topology: 'standalone' | 'cluster';
  /** Of each master of a cluster. */
  readonly replicas: number;
  readonly condition: EntraCondition;
  /** One fault at a time on each side, in the order of their beginnings. */
  readonly incidents: readonly Incident[];
}

const TEN_MINUTES = 600_000;
const SHORTEST_FAULT_MS = 200;
const LONGEST_REDIS_FAULT_MS = 2_500;

/** Everything that the seed decides, known before the run starts. */
export function planSchedule(seed: number, seconds: number): Schedule {
  const condition = planCondition(seededRandom(seed));
  const ends = seconds * 1_000;
  const entra = condition.ownCredential
    ? ([...entraFaults, throttledByEntra, throttledByEntra] as const)
    : entraFaults;
  const topology = seed % 3 === 0 ? 'cluster' : 'standalone';
  // Six servers are a lot for one seed.
  const replicas = seed % 9 === 0 ? 1 : 0;
  const redis = [
    ...redisFaults,
    ...(topology === 'standalone' ? [demoted] : []),
    ...(replicas > 0 ? [failover, failover, failover] : []),
  ] as const;
  const incidents = [
    ...planSide('redis', seededRandom(~seed), redis, LONGEST_REDIS_FAULT_MS, ends),
    // Long enough that tokens run out under some of them.
    ...planSide('entra', seededRandom(-seed * 7_919), entra, condition.tokenLifetimeMs * 1.5, ends),
  ];
  return {
    seed,
    topology,
    replicas,
    condition,
    incidents: incidents.toSorted((one, other) => one.from - other.from),
  };
}

/** At most one oddity: no client can tell a lying Entra from a wrong clock when both are there. */
function planCondition(random: Random): EntraCondition {
  const tokenLifetimeMs = 2_000 + 1_000 * random.below(5);
  const usual = { tokenLifetimeMs, clockSkewMs: 0, reportedLifetimeMs: undefined };
  // On another clock `exp`, which is in whole seconds, is of no use: only this can be believed.
  const roundedDown = {
    tokenLifetimeMs: tokenLifetimeMs + 1_000,
    reportedLifetimeMs: tokenLifetimeMs,
  };
  const oddity = random.pick([
    {},
    {},
    {},
    { clockSkewMs: TEN_MINUTES, ...roundedDown },
    { clockSkewMs: -TEN_MINUTES, ...roundedDown },
    { reportedLifetimeMs: tokenLifetimeMs * 3 },
    // As long as a lie can be without @azure/identity caching the token.
    { reportedLifetimeMs: 290_000 },
    { reportedLifetimeMs: 2_000 },
  ]);
  return { ...usual, ...oddity, ownCredential: random.below(3) === 0 };
}

function planSide(
  side: Incident['side'],
  random: Random,
  faults: readonly [FaultMaker, ...FaultMaker[]],
  longestMs: number,
  ends: number,
): Incident[] {
  const incidents: Incident[] = [];
  let from = 300 + random.below(1_000);
  while (from + SHORTEST_FAULT_MS < ends) {
    const until = Math.min(ends, from + SHORTEST_FAULT_MS + random.below(longestMs));
    incidents.push({ side, from, until, fault: random.pick(faults)(random) });
    from = until + 200 + random.below(1_500);
  }
  return incidents;
}

/** For the report of a failed seed. */
export function describeSchedule({
  seed,
  topology,
  replicas,
  condition,
  incidents,
}: Schedule): string {
  const { tokenLifetimeMs, clockSkewMs, reportedLifetimeMs, ownCredential } = condition;
  return [
    `seed ${seed}, ${topology}${replicas > 0 ? ' with replicas' : ''}, tokens of ${tokenLifetimeMs} ms`,
    ...(clockSkewMs === 0 ? [] : [`clock ${clockSkewMs / 1_000} s off`]),
    ...(reportedLifetimeMs === undefined ? [] : [`Entra claims ${reportedLifetimeMs} ms`]),
    ...(ownCredential ? ['own credential'] : []),
    ...incidents.map(({ from, until, fault }) => `\n    ${from}–${until} ms: ${fault.name}`),
  ].join(', ');
}
