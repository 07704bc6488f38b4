import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { eventually } from '../fixtures/eventually.js';
import { seededRandom } from '../unit/testing/seeded-random.js';
import type { Application } from './application.js';
import { AttemptWatch } from './attempt-watch.js';
import { IncidentLog } from './incident-log.js';
import { Journal } from './journal.js';
import type { ProcessWatch } from './process-watch.js';
import { RateWatch } from './rate-watch.js';
import { countLosses, registryProblems } from './registry-check.js';
import type { Schedule } from './schedule.js';
import { countByFirstWords, isCut, judgeFailures, judgePeaks, type Peaks } from './verdict.js';
import type { Client } from './work/clients.js';
import { JobLoop } from './work/job.js';
import { startWork, type Work } from './work/start-work.js';

/** Longest pause of a reconnect, a slow handshake and a new token, one after the other. */
const RECOVERY_MS = 15_000;
/** What was sent last arrives within this time. */
const LAST_MESSAGE_MS = 5_000;
export interface SeedReport {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly rounds: number;
  /** Errors that a fault explains, by their first words. */
  readonly explained: Readonly<Record<string, number>>;
  readonly cutTransactions: number;
  readonly auths: number;
  readonly rejected: number;
  readonly expired: number;
  readonly peaks: Peaks;
  readonly recoveryMs: number;
}

/** One application under the faults of one seed: what it did, and which promises were broken. */
export class SeedRun {
  readonly #schedule: Schedule;
  readonly #azure: LocalAzure;
  readonly #application: Application;
  readonly #journal: Journal;
  readonly #incidents: IncidentLog;

  constructor(
    schedule: Schedule,
    azure: LocalAzure,
    application: Application,
    watch: ProcessWatch,
  ) {
    this.#schedule = schedule;
    this.#azure = azure;
    this.#application = application;
    this.#journal = new Journal(watch.containsSecret);
    this.#incidents = new IncidentLog(azure, schedule.topology);
  }

  async run(): Promise<SeedReport> {
    const { connection } = this.#application;
    const journal = this.#journal;
    const { seed, replicas } = this.#schedule;
    this.#listen();
    await connection.whenReady(RECOVERY_MS);
    const work = await startWork(connection, seededRandom(~seed), journal, {
      shardsMove: replicas > 0,
    });
    const loops = work.jobs.map((job) => new JobLoop(job, journal));
    for (const loop of loops) void loop.run();
    try {
      return await this.#judge(loops, work);
    } finally {
      for (const loop of loops) loop.stop();
      for (const copy of work.copies) copy.disconnect();
      await connection.close();
    }
  }

  async #judge(loops: readonly JobLoop[], { copies, steady }: Work): Promise<SeedReport> {
    const { redis } = this.#azure;
    const { connection } = this.#application;
    const { tokenLifetimeMs } = this.#schedule.condition;
    const journal = this.#journal;
    await this.#within('the work starts', RECOVERY_MS, () => loops.every(worked(0)));
    // A Cluster asks one node after the other for the slots when it has lost them.
    const nodes = this.#schedule.topology === 'cluster' ? redis.ports.length : 1;
    const usualConnections = Math.max(
      connection.connections.live.size,
      nodes * (1 + copies.length),
    );

    using attempts = new AttemptWatch(connection);
    using rates = new RateWatch(this.#azure, (count, from, until) =>
      this.#judgeRejections(count, from, until),
    );
    await this.#incidents.play(this.#schedule.incidents);
    const faultsEndedAt = Date.now();
    await this.#within('all clients work again', RECOVERY_MS, () =>
      loops.every(worked(faultsEndedAt)),
    );
    const recoveryMs = Date.now() - faultsEndedAt;
    for (const { job } of loops.filter((loop) => !worked(faultsEndedAt)(loop))) {
      journal.violated(`still not working: ${job.name}`);
    }

    // Sessions that a fault kept from re-AUTH may still run out.
    await sleep(tokenLifetimeMs);
    const calm = { at: Date.now(), rejected: redis.rejected, expired: redis.expired };
    const losses = countLosses(connection.connections, steady);
    await sleep(tokenLifetimeMs * 1.2);
    if (losses() > 0) journal.violated(`without any fault, ${losses()} sockets were replaced`);
    for (const count of ['rejected', 'expired'] as const) {
      const more = redis[count] - calm[count];
      if (more > 0) journal.violated(`without any fault, ${count}: ${more}`);
    }
    for (const loop of loops) loop.stop();
    await this.#settle(loops, [connection.client, ...copies]);
    judgeFailures(journal, this.#incidents, calm.at);
    const peaks = { ...rates.peaks, connects: attempts.peakPerSecond };
    judgePeaks(journal, peaks, usualConnections);

    const cut = journal.failures.filter(isCut).length;
    return {
      seed: this.#schedule.seed,
      violations: journal.violations,
      rounds: journal.rounds,
      explained: countByFirstWords(journal.failures.filter((failure) => !isCut(failure))),
      cutTransactions: cut,
      auths: redis.auths,
      rejected: redis.rejected,
      expired: redis.expired,
      peaks,
      recoveryMs,
    };
  }

  /** All that can be listened to goes to the journal, which looks for tokens in it. */
  #listen(): void {
    const { connection, tokens } = this.#application;
    const journal = this.#journal;
    connection.client.on('error', (error: unknown) => journal.errorEvent(error));
    connection.on('refreshFailed', (detail) => journal.saw('refreshFailed', detail));
    connection.on('refreshed', (detail) => journal.saw('refreshed', detail));
    connection.on('reauthenticationFailed', (detail) =>
      journal.saw('reauthenticationFailed', detail),
    );
    tokens.once('refreshed', () => journal.saw('the connection', connection));
  }

  async #settle(loops: readonly JobLoop[], clients: readonly Client[]): Promise<void> {
    for (const { job } of loops) {
      const { finally: last } = job;
      if (last === undefined) continue;
      await eventually(last.wanted, () => last.holds(), LAST_MESSAGE_MS).catch(() =>
        this.#journal.violated(`in the end not true: ${last.wanted} (${last.seen()})`),
      );
    }
    const atWork = (): string[] =>
      loops.flatMap(({ hasEnded, job }) => (hasEnded || job.waits === true ? [] : job.name));
    await this.#within('every command is answered', RECOVERY_MS, () => atWork().length === 0);
    for (const name of atWork()) this.#journal.violated(`never answered: ${name}`);
    const { connection, logger } = this.#application;
    const problems = (): string[] => registryProblems(connection, clients, this.#azure);
    await this.#within(
      'the registry knows what there is',
      RECOVERY_MS,
      () => problems().length === 0,
    );
    for (const problem of problems()) this.#journal.violated(`the registry: ${problem}`);
    for (const line of logger.lines) this.#journal.saw('the log', line);
  }

  #judgeRejections(count: number, from: number, until: number): void {
    if (!this.#incidents.refusedTokens(from, until)) {
      this.#journal.violated(
        `${this.#incidents.when(from, until)}: ${count} AUTHs refused while Redis accepted good tokens`,
      );
    }
  }

  async #within(wanted: string, ms: number, condition: () => boolean): Promise<void> {
    await eventually(wanted, condition, ms).catch((error: unknown) =>
      this.#journal.violated(error instanceof Error ? error.message : String(error)),
    );
  }
}

const worked =
  (since: number) =>
  ({ lastGoodRoundAt }: JobLoop): boolean =>
    lastGoodRoundAt > since;
