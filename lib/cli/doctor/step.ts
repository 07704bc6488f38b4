/** In the order in which they are printed. */
export const STEPS = [
  'configuration',
  'DNS',
  'TCP',
  'TLS',
  'credential',
  'token',
  'AUTH',
  'topology',
  'role',
  're-AUTH',
  'round-trip time',
] as const;

export type StepName = (typeof STEPS)[number];

/** What a step found out, for machines. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What a check gives back when all is well. */
export interface Finding<Value> {
  /** For the checks that build on it. */
  readonly value: Value;
  /** One line for people. */
  readonly fact: string;
  readonly facts?: Facts;
  /** What to think of although the step passed. */
  readonly advice?: readonly string[];
}

export interface StepReport {
  readonly step: StepName;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly ms: number;
  readonly fact: string;
  readonly advice: readonly string[];
  readonly facts: Facts;
}

/** What a check throws when it knows what is wrong and what to do. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';

  constructor(
    readonly fact: string,
    readonly advice: readonly string[],
    readonly facts: Facts = {},
  ) {
    super(fact);
  }
}
