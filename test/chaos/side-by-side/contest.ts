import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { eventually } from '../../fixtures/eventually.js';
import { runScript } from '../../fixtures/run-script.js';
import { seededRandom } from '../../unit/testing/seeded-random.js';
import { startApplication } from '../application.js';
import { Journal } from '../journal.js';
import { JobLoop } from '../work/job.js';
import { CUT_TRANSACTION } from '../work/own-multi.js';
import { startWork } from '../work/start-work.js';
import { disturb } from './disturbances.js';
import type { ContestantReport } from './work-log.js';

const TOKEN_LIFETIME_MS = 3_000;
/** Long-lived clients of a contestant. */
const CLIENTS = 5;

export interface Contest {
  readonly topology: 'standalone' | 'cluster';
  readonly seconds: number;
  /** Outages of Entra and killed sockets; `undefined` for a quiet time. */
  readonly disturbancesOfSeed: number | undefined;
}

export interface Result extends ContestantReport {
  readonly name: string;
  /** Of the user's own open MULTIs whose connection was killed; nobody can repeat those. */
  readonly cutTransactions: number;
  readonly auths: number;
  readonly rejected: number;
  readonly expired: number;
}

/** Both at the same time, each against a local Azure of its own that suffers the same. */
export async function hold(contest: Contest): Promise<{ ours: Result; nodeRedis: Result }> {
  const { topology, seconds } = contest;
  const options = { topology, tokenLifetimeMs: TOKEN_LIFETIME_MS };
  await using ourAzure = await startLocalAzure(options);
  await using theirAzure = await startLocalAzure(options);
  const theirs = runNodeRedis(contest, theirAzure);
  const run = startOurs(ourAzure);
  await eventually('both are connected', () =>
    [ourAzure, theirAzure].every(({ redis }) => redis.auths >= CLIENTS),
  );
  const ours = await run;
  await (contest.disturbancesOfSeed === undefined
    ? sleep(seconds * 1_000)
    : disturb([ourAzure, theirAzure], seconds, contest.disturbancesOfSeed));
  const theirCounts = countsOf(theirAzure);
  const ourReport = await ours.end();
  return {
    ours: { name: 'nestjs-azure-redis', ...ourReport, ...countsOf(ourAzure) },
    nodeRedis: {
      name: 'redis + @redis/entraid',
      cutTransactions: 0,
      ...(await theirs),
      ...theirCounts,
    },
  };
}

const countsOf = ({ redis: { auths, rejected, expired } }: LocalAzure) => ({
  auths,
  rejected,
  expired,
});

async function startOurs(azure: LocalAzure) {
  const { connection, tokens } = startApplication(azure, {});
  const journal = new Journal((text) => text.includes('eyJ'));
  await tokens.acquire(10_000);
  await connection.whenReady(10_000);
  const { jobs, copies } = await startWork(connection, seededRandom(1), journal, {
    shardsMove: false,
  });
  const loops = jobs.map((job) => new JobLoop(job, journal));
  for (const loop of loops) void loop.run();
  let unhandledRejections = 0;
  const count = (): void => void (unhandledRejections += 1);
  process.on('unhandledRejection', count);
  return {
    end: async (): Promise<ContestantReport & { cutTransactions: number }> => {
      for (const loop of loops) loop.stop();
      await sleep(500);
      for (const copy of copies) copy.disconnect();
      await connection.close();
      process.off('unhandledRejection', count);
      const [cut, failed] = [true, false].map((isCut) =>
        journal.failures.filter(({ message }) => message.startsWith(CUT_TRANSACTION) === isCut),
      );
      const failures: Record<string, number> = {};
      for (const { job, message } of failed ?? []) {
        failures[`${job}: ${message}`] = (failures[`${job}: ${message}`] ?? 0) + 1;
      }
      for (const violation of journal.violations) failures[violation] = 1;
      return {
        rounds: journal.rounds,
        failures,
        errorEvents: journal.errorEvents,
        unhandledRejections,
        published: journal.messages.published,
        received: journal.messages.received,
        cutTransactions: cut?.length ?? 0,
      };
    },
  };
}

/** Bundled and run as a child process; it reports in its last line. */
async function runNodeRedis(
  { topology, seconds }: Contest,
  { connection, identity, credentialSdkOptions }: LocalAzure,
): Promise<ContestantReport> {
  const { exitCode, stdout, stderr } = await runScript(
    new URL('node-redis.contestant.ts', import.meta.url),
    {
      withinMs: (seconds + 30) * 1_000,
      env: {
        TOPOLOGY: topology,
        SECONDS: String(seconds),
        HOST: connection.host,
        PORT: String(connection.port),
        CA: connection.tls.ca,
        SERVERNAME: connection.tls.servername,
        TENANT_ID: identity.tenantId,
        CLIENT_ID: identity.clientId,
        CLIENT_SECRET: identity.clientSecret,
        AUTHORITY_HOST: credentialSdkOptions.authorityHost,
      },
    },
  );
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (exitCode !== 0 || !last.startsWith('{')) {
    throw new Error(`node-redis ended with ${exitCode}:\n${stdout}\n${stderr}`);
  }
  return JSON.parse(last) as ContestantReport;
}
