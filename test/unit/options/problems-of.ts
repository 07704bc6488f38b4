import { expect } from 'vitest';
import { AzureRedisOptionsError } from '../../../lib/azure-redis.errors.js';
import type { AzureRedisModuleOptions } from '../../../lib/options/azure-redis-options.interface.js';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';

export const HOST = 'my-cache.westeurope.redis.azure.net';

/** Planted wherever a secret may stand; no message may show it. */
export const SECRET = 'Zq8~planted-secret';

/** The problems of the AzureRedisOptionsError that `act` throws. */
export function problemsOf(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (error) {
    if (!(error instanceof AzureRedisOptionsError)) throw error;
    expect(error.code).toBe('INVALID_OPTIONS');
    for (const problem of error.problems) expect(error.message).toContain(problem);
    expect(error.message).not.toContain(SECRET);
    return error.problems;
  }
  return [];
}

/** Problems of options that TypeScript would refuse, as a JavaScript caller may write them. */
export function mistakesIn(input: unknown): readonly string[] {
  return problemsOf(() =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    resolveAzureRedisOptions(input as AzureRedisModuleOptions),
  );
}

/** Every problem names the option, what was expected, what came and what to do, on one line. */
export function expectOneMistake(input: unknown, problem: RegExp): void {
  const problems = mistakesIn(input);
  expect(problems).toEqual([expect.stringMatching(problem)]);
  expect(problems[0]).toMatch(/^\S.*: expected .+, got .+; .+/);
  expect(problems[0]).not.toMatch(/\n|undefined|\[object/);
}
