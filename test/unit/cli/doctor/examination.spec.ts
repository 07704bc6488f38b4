import { expect, it } from 'vitest';
import { AzureRedisError } from '../../../../lib/azure-redis.errors.js';
import { both, Examination } from '../../../../lib/cli/doctor/examination.js';
import { StepFailure, type StepReport } from '../../../../lib/cli/doctor/step.js';

const start = { step: 'configuration', value: 1 } as const;

it('tells each step as it finishes, and hands its value on', async () => {
  const told: StepReport[] = [];
  const examination = new Examination((report) => told.push(report));
  const dns = await examination.step('DNS', start, (value) => ({ value: value + 1, fact: 'two' }));
  expect(dns.value).toBe(2);
  expect(told).toEqual([
    { step: 'DNS', state: 'passed', ms: expect.any(Number), fact: 'two', advice: [], facts: {} },
  ]);
  expect(examination.reports).toEqual(told);
});

it.each<[unknown, Partial<StepReport>]>([
  [new StepFailure('a', ['b'], { c: 1 }), { fact: 'a', advice: ['b'], facts: { c: 1 } }],
  [
    new AzureRedisError('TLS_FAILED', 'do this'),
    { fact: 'TLS_FAILED', advice: ['do this'], facts: { code: 'TLS_FAILED' } },
  ],
  [
    new RangeError('a bug'),
    { advice: [expect.stringMatching(/report this as an issue .* RangeError: a bug/)] },
  ],
])('a failure is a report too: %s', async (error, report) => {
  const examination = new Examination(() => undefined);
  const outcome = await examination.step('TCP', start, () => Promise.reject(error));
  expect(outcome).toEqual({ step: 'TCP', value: undefined });
  expect(examination.reports[0]).toMatchObject({ step: 'TCP', state: 'failed', ...report });
});

it('skips what needs a step without value, and names the step', async () => {
  const examination = new Examination(() => undefined);
  const lost = { step: 'TCP', value: undefined } as const;
  const skipped = await examination.step('TLS', both(start, lost), () => {
    throw new Error('must not run');
  });
  expect(skipped.value).toBeUndefined();
  expect(examination.reports[0]).toMatchObject({ state: 'skipped', fact: 'needs TCP' });
});
