// Prints the numbers of a vitest JSON report as one plain line: 'N passed, N failed'.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
// A spec file that does not load has no test that could fail, and counts as one.
const notLoaded = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
).length;
const skipped = report.numPendingTests + report.numTodoTests;

process.stdout.write(
  `${report.numPassedTests} passed, ${report.numFailedTests + notLoaded} failed` +
    `${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
);
