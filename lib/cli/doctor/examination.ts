import { AzureRedisError, AzureRedisOptionsError } from '../../azure-redis.errors.js';
import { type Finding, StepFailure, type StepName, type StepReport } from './step.js';

/** What a step left for those that build on it; no value when it did not pass. */
export interface Outcome<Value> {
  readonly step: StepName;
  readonly value: Value | undefined;
}

/** Runs steps one after the other, and tells each as it finishes. */
export class Examination {
  readonly #onStep: (report: StepReport) => void;
  readonly #reports: StepReport[] = [];

  constructor(onStep: (report: StepReport) => void) {
    this.#onStep = onStep;
  }

  get reports(): readonly StepReport[] {
    return this.#reports;
  }

  /** Skipped when what it needs is not there. */
  async step<Need, Value>(
    step: StepName,
    need: Outcome<Need>,
    check: (need: Need) => Finding<Value> | Promise<Finding<Value>>,
  ): Promise<Outcome<Value>> {
    if (need.value === undefined) {
      this.#report({
        step,
        state: 'skipped',
        ms: 0,
        fact: `needs ${need.step}`,
        advice: [],
        facts: {},
      });
      return { step, value: undefined };
    }
    const startedAt = performance.now();
    const elapsed = (): number => Math.round(performance.now() - startedAt);
    try {
      const { value, fact, facts = {}, advice = [] } = await check(need.value);
      this.#report({ step, state: 'passed', ms: elapsed(), fact, advice, facts });
      return { step, value };
    } catch (error) {
      this.#report({ step, state: 'failed', ms: elapsed(), ...describeFailure(error) });
      return { step, value: undefined };
    }
  }

  #report(report: StepReport): void {
    this.#reports.push(report);
    this.#onStep(report);
  }
}

/** Both, or the one that is missing. */
export function both<One, Other>(one: Outcome<One>, other: Outcome<Other>): Outcome<[One, Other]> {
  if (one.value === undefined) return { step: one.step, value: undefined };
  if (other.value === undefined) return { step: other.step, value: undefined };
  return { step: one.step, value: [one.value, other.value] };
}

function describeFailure(error: unknown): Pick<StepReport, 'fact' | 'advice' | 'facts'> {
  if (error instanceof StepFailure) {
    const { fact, advice, facts } = error;
    return { fact, advice, facts };
  }
  if (error instanceof AzureRedisOptionsError) {
    const { problems } = error;
    const count = problems.length === 1 ? '1 mistake' : `${problems.length} mistakes`;
    return { fact: count, advice: problems, facts: {} };
  }
  if (error instanceof AzureRedisError) {
    return { fact: error.code, advice: [error.message], facts: { code: error.code } };
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    fact: 'failed in a way that is not known',
    advice: [`Please report this as an issue of nestjs-azure-redis: ${text}`],
    facts: {},
  };
}
