import { describe, expect, it } from 'vitest';
import { describeSchedule, planSchedule } from './schedule.js';

const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);
const texts = (seconds: number): string =>
  SEEDS.map((seed) => describeSchedule(planSchedule(seed, seconds))).join('\n');

describe('the schedule of a seed', () => {
  it('is the same each time', () => {
    expect(texts(20)).toBe(texts(20));
  });

  it('differs from that of the next seed', () => {
    const schedules = SEEDS.map((seed) => planSchedule(seed, 20));
    const distinct = new Set(schedules.map((each) => JSON.stringify({ ...each, seed: 0 })));
    expect(distinct.size).toBe(SEEDS.length);
  });

  it('never has two faults at once on one side, nor any after the end', () => {
    for (const seed of SEEDS) {
      for (const side of ['redis', 'entra']) {
        const incidents = planSchedule(seed, 20).incidents.filter((each) => each.side === side);
        let end = 0;
        for (const { from, until } of incidents) {
          expect(from).toBeGreaterThan(end);
          expect(until).toBeGreaterThan(from);
          end = until;
        }
        expect(end).toBeLessThanOrEqual(20_000);
      }
    }
  });

  it.each([
    'cluster',
    'standalone',
    'clock 600 s off',
    'clock -600 s off',
    'Entra claims',
    'kill by FIN',
    'kill by RST',
    'refuse',
    'stall',
    'black hole',
    'AUTHs refused',
    'AUTH \\d+ ms late',
    'replies \\d+ ms late',
    'demoted',
    'failover',
    'identity revoked',
    'Entra hangs',
    'Entra says 401',
    'Entra says 429',
    'Entra says 50',
    'Entra is gone',
  ])('has %s somewhere in 200 seeds', (what) => {
    expect(texts(20)).toMatch(new RegExp(what));
  });
});
