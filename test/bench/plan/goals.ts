import type { ProbeName } from './probes.js';

/** What a formula may ask of one round. */
export interface Round {
  /** CPU time of the server per request, in microseconds. */
  cpuUs(row: string): number;
  probe(name: ProbeName): number;
}

export interface Goal {
  readonly name: string;
  readonly meaning: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly threshold: number;
  /** What is worth some more work. */
  readonly aim?: number;
  readonly rows: readonly string[];
  readonly probes: readonly ProbeName[];
  readonly formula: (round: Round) => number;
}

type Bounds = Pick<Goal, 'threshold' | 'aim'>;

/** How many requests of `row` a core serves for one of `reference`. */
const ratio = (name: string, row: string, reference: string, bounds: Bounds): Goal => ({
  name,
  meaning: `${row} ÷ ${reference}`,
  unit: '',
  better: 'more',
  rows: [row, reference],
  probes: [],
  formula: ({ cpuUs }) => cpuUs(reference) / cpuUs(row),
  ...bounds,
});

const probed = (
  name: string,
  probe: ProbeName,
  meaning: string,
  unit: string,
  threshold: number,
): Goal => ({
  name,
  meaning,
  unit,
  better: 'less',
  threshold,
  rows: [],
  probes: [probe],
  formula: (round) => round.probe(probe),
});

export const GOALS: readonly Goal[] = [
  ratio('redisHitFastify', 'redisHitFastify', 'bareRedis', { threshold: 0.72, aim: 0.8 }),
  ratio('nearHitFastify', 'nearHitFastify', 'bareMap', { threshold: 0.68, aim: 0.8 }),
  ratio('redisHitExpress', 'redisHitExpress', 'constantExpress', { threshold: 0.85 }),
  ratio('nearHitExpress', 'nearHitExpress', 'constantExpress', { threshold: 0.9 }),
  ratio('stockSpeedupFastify', 'redisHitFastify', 'stockRedisFastify', { threshold: 1.8 }),
  ratio('stockSpeedupExpress', 'redisHitExpress', 'stockRedisExpress', { threshold: 1.3 }),
  ratio('postHit2k', 'postHitFastify2k', 'parseOnlyFastify2k', { threshold: 0.85 }),
  ratio('postHit100k', 'postHitFastify100k', 'parseOnlyFastify100k', { threshold: 0.8 }),
  {
    name: 'missOverhead',
    meaning: 'uniqueMiss − uniqueUncached, CPU',
    unit: 'µs',
    better: 'less',
    threshold: 150,
    rows: ['uniqueMiss', 'uniqueUncached'],
    probes: [],
    formula: ({ cpuUs }) => cpuUs('uniqueMiss') - cpuUs('uniqueUncached'),
  },
  ratio('streamReplay', 'streamReplayed', 'streamPiped', { threshold: 0.7 }),
  probed('streamFirstByteDelay', 'firstByteDelay', 'added to the first byte, p50', 'ms', 0.2),
  ratio('reauthCost', 'redisHitRotating', 'redisHitFastify', { threshold: 0.98 }),
  probed('idleConnectionKb', 'idleConnection', 'memory per idle connection', 'KB', 200),
  probed('inFlightStreamKb', 'inFlightStream', 'memory per stream, above its entry', 'KB', 64),
  probed('importMs', 'importTime', 'import, after Nest itself', 'ms', 40),
];
