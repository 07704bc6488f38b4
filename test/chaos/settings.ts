/** `npm run test:chaos` sets CHAOS_LONG; each number can be given by a variable of its own. */
const LONG = process.env['CHAOS_LONG'] === '1';

function setting(name: string, short: number, long: number): number {
  const given = Number(process.env[name] ?? (LONG ? long : short));
  if (Number.isSafeInteger(given) && given > 0) return given;
  throw new Error(`Expected ${name} to be a positive whole number, got ${process.env[name]}`);
}

/** One seed when CHAOS_SEED names it, which is how a failed one is replayed. */
function seeds(): readonly number[] {
  if (process.env['CHAOS_SEED'] !== undefined) return [setting('CHAOS_SEED', 1, 1)];
  const first = setting('CHAOS_FIRST_SEED', 3, 1);
  return Array.from({ length: setting('CHAOS_SEEDS', 4, 200) }, (_, index) => first + index);
}

export const chaosSettings = {
  seeds: seeds(),
  /** How long the faults of one seed last. */
  seconds: setting('CHAOS_SECONDS', 6, 20),
  /** Seeds that run at the same time, each with a local Azure of its own. */
  parallel: setting('CHAOS_PARALLEL', 4, 12),
};

export const barSettings = {
  standaloneSeconds: setting('BARS_STANDALONE_SECONDS', 6, 40),
  clusterSeconds: setting('BARS_CLUSTER_SECONDS', 6, 25),
  /** `npm test` has a soak test for the quiet time. */
  quietToo: LONG,
};
