import { painter } from '../colours.js';
import { readDuration } from '../duration.js';
import { readFlags } from '../read-flags.js';
import { EXIT, type Surroundings } from '../surroundings.js';
import { DOCTOR_FLAG_ADVICE, DOCTOR_FLAGS, DOCTOR_HELP } from './doctor-flags.js';
import { examine } from './examine.js';
import { readOptions } from './options-from-flags.js';
import { stepAsText, summaryAsText } from './report-as-text.js';
import type { OptionSource } from './steps/configuration.js';

const TIMEOUTS = { min: 1, max: 300_000 };

/** Checks the way to Azure Redis step by step; resolves with the exit code. */
export async function doctor(
  args: readonly string[],
  { env, stdout }: Surroundings,
): Promise<number> {
  const flags = readFlags(args, DOCTOR_FLAGS, DOCTOR_FLAG_ADVICE);
  if (flags.help === true) {
    stdout.write(DOCTOR_HELP);
    return EXIT.ok;
  }
  const timeoutMs =
    flags.timeout === undefined ? undefined : readDuration('timeout', flags.timeout, TIMEOUTS);
  const unsupported: string[] = [];
  const source: OptionSource = {
    read: () =>
      readOptions({ flags, env, timeoutMs, onUnsupported: (keys) => unsupported.push(...keys) }),
    advice: () =>
      unsupported.length === 0 ? [] : [`These keys have no effect here: ${unsupported.join(', ')}`],
  };
  const paint = painter(stdout, env);
  const isForMachines = flags.json === true;
  const steps = await examine(source, {
    onStep: (report) => {
      if (!isForMachines) stdout.write(stepAsText(report, paint));
    },
  });
  const ok = steps.every(({ state }) => state === 'passed');
  stdout.write(isForMachines ? `${JSON.stringify({ ok, steps })}\n` : summaryAsText(steps, paint));
  return ok ? EXIT.ok : EXIT.failed;
}
