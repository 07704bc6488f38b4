import type {
  CurveReport,
  CurvesReport,
} from '../../../bench/curves/report/curves-report.interface.js';

const about = (median: number) => ({ median, least: median * 0.9, most: median * 1.2 });

/** Costs of two lines, one of which has lost a point. */
export const SIZE_CURVE: CurveReport = {
  name: 'answerSize',
  title: 'A hit against the size of the answer',
  notes: 'What the reader must know.',
  x: { label: 'answer', scale: 'log', isInBytes: true },
  quantities: [
    { name: 'cpuUs', label: 'CPU µs per request', scale: 'log', isDrawn: true },
    { name: 'addedMs', label: 'added ms', scale: 'log', isDrawn: true },
    { name: 'p99Us', label: 'p99 µs', scale: 'linear', isDrawn: false },
  ],
  points: [
    {
      series: 'hit in Redis',
      x: 1_024,
      values: { cpuUs: about(61.27), addedMs: about(-2), p99Us: about(2_345) },
    },
    {
      series: 'hit in Redis',
      x: 1_048_576,
      values: { cpuUs: about(4_820), addedMs: about(30), p99Us: about(98_765) },
    },
    {
      series: 'near hit',
      x: 1_024,
      values: { cpuUs: about(30), addedMs: about(3), p99Us: about(1_200) },
    },
  ],
};

export const CURVES: CurvesReport = {
  date: '2030-01-02T03:04:05.000Z',
  versions: { node: '20.0.0', redis: '7.0.0' },
  machine: '2 cores of a kind, 8 GB',
  rounds: 3,
  seconds: 2,
  generator: 'wrk',
  pinning: 'Pinned.',
  rule: 'The rule of curves.',
  curves: [SIZE_CURVE],
  failed: [{ name: 'answerSize, near hit, 1048576', error: 'The server has ended.' }],
  noise: ['answerSize, near hit, 1024: spread of 30 %'],
};
