import type { LocalAzure, StartLocalAzureOptions } from 'nestjs-azure-redis/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { examine } from '../../../lib/cli/doctor/examine.js';
import { STEPS, type StepReport } from '../../../lib/cli/doctor/step.js';
import { useLocalAzure } from '../../contract/testing/local-azure.js';
import { eventually } from '../../fixtures/eventually.js';
import {
  type BrokenSetUp,
  ON_ONE_ENDPOINT,
  ON_THE_ENTERPRISE_POLICY,
  ON_THE_OSS_POLICY,
  soundOptions,
} from './broken-set-ups.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const TOPOLOGIES: readonly (readonly [
  name: string,
  options: StartLocalAzureOptions,
  setUps: readonly BrokenSetUp[],
])[] = [
  ['one endpoint', {}, ON_ONE_ENDPOINT],
  ['the Enterprise policy', { clusterCommands: 'refused' }, ON_THE_ENTERPRISE_POLICY],
  ['the OSS policy', { topology: 'cluster' }, ON_THE_OSS_POLICY],
];

describe.each(TOPOLOGIES)('doctor, with %s', (_name, options, setUps) => {
  const azure = useLocalAzure(options);

  it('finds nothing wrong with a sound set-up', async () => {
    const steps = await examineBroken(azure(), { break: () => undefined });
    expect(steps.map(({ step, state }) => [step, state])).toEqual(
      STEPS.map((step) => [step, 'passed']),
    );
  });

  it.each(setUps)('marks $failed and says what to do about $wrong', async (setUp) => {
    const steps = await examineBroken(azure(), setUp);
    expect(steps.map(({ step }) => step)).toEqual(STEPS);
    expect(steps.filter(({ state }) => state === 'failed').map(({ step }) => step)).toEqual([
      setUp.failed,
    ]);
    expect(adviceOf(steps, setUp.failed)).toMatch(setUp.advice);
    expectNothingSecret(steps, azure());
    await eventually('nothing is left open', () => azure().redis.connections === 0);
  });
});

async function examineBroken(
  azure: LocalAzure,
  setUp: Pick<BrokenSetUp, 'break' | 'after' | 'resolve'>,
): Promise<readonly StepReport[]> {
  const options = {
    ...soundOptions(azure),
    ...(setUp.after === undefined && (await setUp.break(azure))),
  };
  return examine(
    { read: () => options },
    {
      onStep: ({ step }) => {
        if (step === setUp.after) void setUp.break(azure);
      },
      ...(setUp.resolve && { resolve: setUp.resolve }),
    },
  );
}

const adviceOf = (steps: readonly StepReport[], name: string): string =>
  steps.find(({ step }) => step === name)?.advice.join('\n') ?? '';

function expectNothingSecret(steps: readonly StepReport[], azure: LocalAzure): void {
  const text = JSON.stringify(steps);
  expect(text).not.toContain(azure.identity.clientSecret);
  expect(text).not.toMatch(/eyJ[\w-]+\.[\w-]+/);
}
