import { describe, expect, it } from 'vitest';
import type { BenchReport } from '../../bench/report/report.interface.js';
import { END, resultsText } from '../../bench/report/results-file.js';
import { BEGIN_CURVES, END_CURVES, withCurves } from '../../bench/curves/report/curves-section.js';
import { CURVES } from './curves/sample-report.js';

const REPORT: BenchReport = {
  date: '2030-01-02T03:04:05.000Z',
  versions: { node: '20.0.0', redis: '7.0.0' },
  machine: '2 cores of a kind, 8 GB',
  rounds: 5,
  seconds: 3,
  generator: 'wrk',
  pinning: 'Pinned.',
  rule: 'The rule.',
  rows: [
    {
      name: 'bareRedis',
      title: 'node:http + ioredis',
      group: 'GET',
      requestsPerSecond: 60_577.4,
      p50Us: 787,
      p99Us: 2_050,
      cpuUs: 16.43,
      perReference: 1,
      reference: 'bareRedis',
      spreadPercent: 21,
      isNoisy: true,
    },
    { name: 'bareMap', error: 'The server has ended.' },
  ],
  probes: [{ name: 'importTime', title: 'Import', unit: 'ms', value: 38.214, spreadPercent: 4 }],
  ratios: { importMs: 38.214 },
  goals: [
    {
      name: 'importMs',
      meaning: 'import, after Nest itself',
      unit: 'ms',
      better: 'less',
      threshold: 40,
      aim: null,
      value: 38.214,
      spreadPercent: 4,
      verdict: 'reached',
    },
  ],
  noise: ['bareRedis: spread of 21 %'],
};

describe('RESULTS.md', () => {
  const text = resultsText(REPORT, '');

  it('says when, on what and with what it was measured', () => {
    expect(text).toContain('2030-01-02, 2 cores of a kind, 8 GB; node 20.0.0, redis 7.0.0.');
  });

  it.each([
    ['the rows', /\| node:http \+ ioredis +\| +60,577 \| +1\.00 \| +787 \| +2,050 \| +16\.4 \|/],
    ['noisy rows', /\| 21 %, noisy +\| bareRedis/],
    ['the goals', /\| importMs +\| 38\.2 ms \| ≤ 40 ms \|.*\| reached/],
    ['what failed', /- bareMap: The server has ended\./],
    ['the noise', /- bareRedis: spread of 21 %/],
    ['the rule', /The rule\./],
  ])('shows %s', (_what, line) => {
    expect(text).toMatch(line);
  });

  it('keeps what was written by hand behind the measurements', () => {
    const byHand = '\n\n## Profiles\n\nBy hand.\n';
    const again = resultsText(REPORT, `# Old\n\n${END}${byHand}`);
    expect(again.endsWith(`${END}${byHand}`)).toBe(true);
    expect(again).not.toContain('# Old');
  });
});

describe('the curves in RESULTS.md', () => {
  const byHand = '\n\n## Profiles\n\nBy hand.\n';
  const tables = resultsText(REPORT, `${END}${byHand}`);
  const both = withCurves(CURVES, tables);

  it('stand between the tables and what was written by hand', () => {
    const [before, behind] = both.split(BEGIN_CURVES);
    expect(`${before?.trimEnd()}${byHand}`).toBe(tables);
    expect(behind?.split(END_CURVES)[1]).toBe(byHand);
  });

  it('say when they were measured, and show their pictures', () => {
    expect(both).toContain('2030-01-02, 2 cores of a kind, 8 GB; node 20.0.0, redis 7.0.0.');
    expect(both).toContain('![A hit against the size of the answer](curves/answer-size.svg)');
  });

  it('take the place of the curves before them, and of nothing else', () => {
    const again = withCurves({ ...CURVES, curves: [], rule: 'Another rule.' }, both);
    expect(again).toContain('Another rule.');
    expect(again).not.toContain('curves/answer-size.svg');
    expect(withCurves(CURVES, again)).toBe(both);
  });

  it('survive new tables', () => {
    const again = resultsText({ ...REPORT, machine: 'another machine' }, both);
    expect(again).toContain('another machine');
    expect(again.split(BEGIN_CURVES)[1]).toBe(both.split(BEGIN_CURVES)[1]);
  });

  it('need no tables, and leave room for them', () => {
    const alone = withCurves(CURVES, '');
    expect(alone).toMatch(/^# Results of `npm run bench`\n/);
    expect(resultsText(REPORT, alone).split(BEGIN_CURVES)[1]).toBe(alone.split(BEGIN_CURVES)[1]);
  });
});
