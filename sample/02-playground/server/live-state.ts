import { Inject, Injectable } from '@nestjs/common';
import {
  AzureRedisConnection,
  InjectAzureRedisConnection,
  InjectLlmCacheService,
  LlmCacheService,
} from 'nestjs-azure-redis';
import type { AzureRedisConnectionStatus } from 'nestjs-azure-redis';
import { FAULT_TARGET } from '../faults/fault-target.js';
import type { FaultTarget } from '../faults/fault-target.js';

/** Injection token of the model's name. */
export const PLAYGROUND_MODEL = 'PLAYGROUND_MODEL';

/** What the panels of the page show. */
export interface Snapshot {
  readonly model: string;
  /** Whether the fault routes exist. */
  readonly hasFaults: boolean;
  /** Of the local Azure. */
  readonly entra: 'there' | 'away';
  readonly redis: AzureRedisConnectionStatus;
  /** Tokens that took the place of one before. */
  readonly rotations: number;
  readonly reauthentications: number;
  readonly cache: {
    readonly requests: number;
    readonly upstreamCalls: number;
    /** Requests that were answered without a call of their own. */
    readonly spared: number;
    readonly savedTokens: number;
    /** In US dollars. */
    readonly savedCost: number;
    readonly savedUpstreamMs: number;
  };
}

@Injectable()
export class LiveState {
  entra: Snapshot['entra'] = 'there';
  readonly #model: string;
  readonly #faults: FaultTarget | undefined;
  readonly #connection: AzureRedisConnection;
  readonly #llmCache: LlmCacheService;
  #tokens: number;
  #reauthentications = 0;

  constructor(
    @Inject(PLAYGROUND_MODEL) model: string,
    @Inject(FAULT_TARGET) faults: FaultTarget | undefined,
    @InjectAzureRedisConnection() connection: AzureRedisConnection,
    @InjectLlmCacheService() llmCache: LlmCacheService,
  ) {
    this.#model = model;
    this.#faults = faults;
    this.#connection = connection;
    this.#llmCache = llmCache;
    this.#tokens = connection.status.secondsToExpiry === undefined ? 0 : 1;
    connection.on('refreshed', () => this.#tokens++);
    connection.on('reauthenticated', () => this.#reauthentications++);
  }

  snapshot(): Snapshot {
    const { hits, misses, collapsed, stale, bypasses, ...saved } = this.#llmCache.stats;
    const spared = hits + collapsed + stale;
    const upstreamCalls = Object.values(bypasses).reduce((sum, count) => sum + count, misses);
    return {
      model: this.#model,
      hasFaults: this.#faults !== undefined,
      entra: this.entra,
      redis: this.#connection.status,
      rotations: Math.max(0, this.#tokens - 1),
      reauthentications: this.#reauthentications,
      cache: {
        requests: spared + upstreamCalls,
        upstreamCalls,
        spared,
        savedTokens: saved.savedInputTokens + saved.savedOutputTokens,
        savedCost: saved.savedCost,
        savedUpstreamMs: saved.savedUpstreamMs,
      },
    };
  }
}
