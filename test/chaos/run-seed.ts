import { startLocalAzure } from 'nestjs-azure-redis/testing';
import { forgetfulCredential, SHORT_DEADLINES, startApplication } from './application.js';
import type { ProcessWatch } from './process-watch.js';
import { describeSchedule, planSchedule, type Schedule } from './schedule.js';
import { SeedRun, type SeedReport } from './seed-run.js';

/** One defect often shows many times. */
const MAX_REPORTED = 20;

/** Runs one seed from its own local Azure to the verdict; never throws. */
export async function runSeed(
  seed: number,
  seconds: number,
  watch: ProcessWatch,
): Promise<SeedReport> {
  const schedule = planSchedule(seed, seconds);
  const report = await run(schedule, watch).catch((error: unknown): SeedReport => ({
    ...NOTHING_DONE,
    seed,
    violations: [String(error)],
  }));
  if (report.violations.length === 0) return report;
  const violations = [...new Set(report.violations)].slice(0, MAX_REPORTED);
  return { ...report, violations: [describeSchedule(schedule), ...violations] };
}

async function run(schedule: Schedule, watch: ProcessWatch): Promise<SeedReport> {
  const { topology, replicas, condition } = schedule;
  const { tokenLifetimeMs, clockSkewMs, reportedLifetimeMs, ownCredential } = condition;
  await using azure = await startLocalAzure({ topology, replicas, tokenLifetimeMs });
  azure.entra.clockSkewMs = clockSkewMs;
  azure.entra.reportedLifetimeMs = reportedLifetimeMs;
  watch.addSecret(azure.identity.clientSecret);
  const application = startApplication(azure, {
    deadlines: SHORT_DEADLINES,
    ...(ownCredential && { credential: forgetfulCredential(azure) }),
  });
  try {
    return await new SeedRun(schedule, azure, application, watch).run();
  } finally {
    await application.connection.close();
  }
}

const NOTHING_DONE = {
  rounds: 0,
  explained: {},
  cutTransactions: 0,
  auths: 0,
  rejected: 0,
  expired: 0,
  peaks: { auths: 0, connects: 0, tokenRequests: 0 },
  recoveryMs: 0,
};
