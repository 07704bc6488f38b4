import { describe, expect, it } from 'vitest';
import { disturbance, readProcessorTime } from '../../bench/run/processor-time.js';

const STAT = `cpu  300 0 130 1500 20 0 10 40 0 0
cpu0 200 0 100 600 10 0 10 80 0 0
cpu1 100 0 30 900 10 0 0 0 0 0
intr 1 2 3
`;

describe('the time of a core', () => {
  it('is read from its own line', () => {
    expect(readProcessorTime(STAT, 0)).toEqual({ busy: 310, stolen: 80, all: 1_000 });
    expect(readProcessorTime(STAT, 1)).toEqual({ busy: 130, stolen: 0, all: 1_040 });
  });

  it('is unknown of a core that is not there', () => {
    expect(readProcessorTime(STAT, 7)).toBeUndefined();
  });
});

describe('the disturbance of a measurement', () => {
  const before = { busy: 100, stolen: 10, all: 1_000 };

  it('is what others and the host have taken meanwhile', () => {
    const after = { busy: 280, stolen: 20, all: 1_200 };
    expect(disturbance(before, after, 0.7)).toEqual({
      others: expect.closeTo(0.2),
      stolen: expect.closeTo(0.05),
    });
  });

  it('is none when the server took everything', () => {
    const after = { busy: 290, stolen: 10, all: 1_200 };
    expect(disturbance(before, after, 1)).toEqual({ others: 0, stolen: 0 });
  });

  it('is unknown where the system tells nothing', () => {
    expect(disturbance(undefined, undefined, 1)).toBeUndefined();
  });
});
