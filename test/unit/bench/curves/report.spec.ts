import { describe, expect, it } from 'vitest';
import type { Curve } from '../../../bench/curves/plan/curve.interface.js';
import { noiseOfCurve, reportCurve } from '../../../bench/curves/report/build-curves-report.js';
import { printCurves } from '../../../bench/curves/report/print-curves.js';
import { CURVES } from './sample-report.js';

const unmeasured = () => Promise.reject(new Error('It is not measured here.'));

const CURVE: Curve = {
  name: 'fanOut',
  title: 'Fan-out',
  notes: 'Notes.',
  x: { label: 'followers', scale: 'log' },
  quantities: [{ name: 'cpuUs', label: 'CPU µs', scale: 'linear', isDrawn: true }],
  points: [1, 10].map((x) => ({ series: 'line', x, measure: unmeasured })),
};

const reading = (cpuUs: number, others = 0) => ({
  values: { cpuUs },
  disturbance: { others, stolen: 0 },
});

describe('the report of a curve', () => {
  const readings = new Map([
    ['fanOut, line, 1', [reading(10), reading(30), reading(11)]],
    ['fanOut, line, 10', [reading(5, 0.4)]],
  ]);

  it('has the medians of all rounds, and the spread', () => {
    const { points } = reportCurve(CURVE, { readings, failures: new Map() });
    expect(points).toEqual([
      { series: 'line', x: 1, values: { cpuUs: { median: 11, least: 10, most: 30 } } },
      { series: 'line', x: 10, values: { cpuUs: { median: 5, least: 5, most: 5 } } },
    ]);
  });

  it('leaves out what has failed in one of the rounds', () => {
    const failures = new Map([['fanOut, line, 10', 'The server has ended.']]);
    const { points } = reportCurve(CURVE, { readings, failures });
    expect(points.map(({ x }) => x)).toEqual([1]);
  });

  it('says which points were disturbed', () => {
    expect(noiseOfCurve(CURVE, { readings, failures: new Map() })).toEqual([
      'fanOut, line, 1: spread of 182 %',
      "fanOut, line, 10: others took 40 % of the server's core in one round",
    ]);
  });
});

describe('the text of the curves', () => {
  const text = printCurves(CURVES);

  it.each([
    ['the title', /^### A hit against the size of the answer$/m],
    ['units', /^\| answer \| +\| CPU µs per request \| added ms \| p99 µs \| spread \|$/m],
    ['sizes', /^\| +1 MB \| hit in Redis \| +4,820 \| +30 \| +98,800 \| +30 % \|$/m],
    ['costs in three digits', /^\| +1 KB \| hit in Redis \| +61\.3 \| +-2 \| +2,350 \| +30 % \|$/m],
    ['the notes', /^What the reader must know\.$/m],
    ['the rule', /^The rule of curves\.$/m],
    ['the noise', /^- answerSize, near hit, 1024: spread of 30 %$/m],
    ['what failed', /^- answerSize, near hit, 1048576: The server has ended\.$/m],
  ])('shows %s', (_what, line) => {
    expect(text).toMatch(line);
  });
});
