import type { Paint } from '../colours.js';
import { STEPS, type StepReport } from './step.js';

const WIDTH = Math.max(...STEPS.map((step) => step.length));
const MARKS = { passed: '✓', failed: '✗', skipped: '–' } as const;
const COLOURS = { passed: 'green', failed: 'red', skipped: 'dim' } as const;

/** One line for the step, and one for each advice. */
export function stepAsText(report: StepReport, paint: Paint): string {
  const { step, state, ms, fact, advice } = report;
  const time = state === 'skipped' ? '' : `${ms} ms`;
  const line = `${paint(COLOURS[state], MARKS[state])} ${step.padEnd(WIDTH)} ${time.padStart(9)}  ${fact}`;
  const sign = state === 'failed' ? paint('yellow', '→') : paint('yellow', '!');
  return [line, ...advice.map((each) => `  ${sign} ${each}`)].map((each) => `${each}\n`).join('');
}

/** The last line: what all steps come to. */
export function summaryAsText(reports: readonly StepReport[], paint: Paint): string {
  const failed = reports.filter(({ state }) => state === 'failed').map(({ step }) => step);
  return failed.length === 0
    ? `${paint('green', 'All holds.')}\n`
    : `${paint('red', `Failed: ${failed.join(', ')}.`)}\n`;
}
