import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import type { Fault } from './faults.js';
import type { Incident, Schedule } from './schedule.js';

/** A command that was queued behind a refused handshake hears of it a moment after the fault. */
const AFTERMATH_MS = 1_500;

/**
 * An ioredis Cluster that loses all nodes at once gives up the commands that are under way, and
 * repeats neither a MULTI nor a pipeline whose node is away for longer than its redirections last.
 */
const NODES_LOST = /^(Connection is closed\.$|MOVED |EXECABORT )/;

interface Passage {
  readonly fault: Fault;
  readonly beganAt: number;
  endedAt: number;
}

/** Makes the incidents happen and remembers when they really did. */
export class IncidentLog {
  readonly #azure: LocalAzure;
  readonly #topology: Schedule['topology'];
  readonly #passed: Passage[] = [];
  #startedAt = 0;

  constructor(azure: LocalAzure, topology: Schedule['topology']) {
    this.#azure = azure;
    this.#topology = topology;
  }

  async play(incidents: readonly Incident[]): Promise<void> {
    this.#startedAt = Date.now();
    await Promise.all(
      (['redis', 'entra'] as const).map(async (side) => {
        for (const incident of incidents) {
          if (incident.side === side) await this.#happen(incident);
        }
      }),
    );
  }

  /** A fault was active between these moments that explains this error. */
  explains(message: string, from: number, until: number): boolean {
    return this.#between(from, until).some(
      ({ explains, keepsConnections }) =>
        explains?.test(message) === true ||
        (keepsConnections !== true && this.#topology === 'cluster' && NODES_LOST.test(message)),
    );
  }

  /** Redis refused good tokens between these moments. */
  refusedTokens(from: number, until: number): boolean {
    return this.#between(from, until).some(({ refusesTokens }) => refusesTokens === true);
  }

  /** In the schedule's own time. */
  when(from: number, until: number): string {
    return `${from - this.#startedAt}–${until - this.#startedAt} ms`;
  }

  #between(from: number, until: number): Fault[] {
    return this.#passed
      .filter(({ beganAt, endedAt }) => beganAt <= until && from <= endedAt + AFTERMATH_MS)
      .map(({ fault }) => fault);
  }

  async #happen({ side, from, until, fault }: Incident): Promise<void> {
    await sleep(Math.max(0, this.#startedAt + from - Date.now()));
    const passage = { fault, beganAt: Date.now(), endedAt: Infinity };
    this.#passed.push(passage);
    await fault.begin(this.#azure);
    await sleep(Math.max(0, this.#startedAt + until - Date.now()));
    await fault.end?.(this.#azure);
    this.#azure[side].recover();
    passage.endedAt = Date.now();
  }
}
