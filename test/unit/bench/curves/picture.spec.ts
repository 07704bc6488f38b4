import { describe, expect, it } from 'vitest';
import { drawCurve, fileNameOf } from '../../../bench/curves/report/picture.js';
import { SIZE_CURVE } from './sample-report.js';

const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text);

/** Marks of the medians: circles in the colour of their line. */
const marksOf = (svg: string, color: string): number =>
  svg.split(/<path /).filter((path) => path.includes(`fill="${color}"`)).length;

/** Names of styles are counted up in the process. */
const impersonal = (svg: string): string => svg.replaceAll(/zr\d+(?:-cls-\d+)?/g, '');

describe('the picture of a curve', () => {
  const svg = drawCurve(SIZE_CURVE);
  const texts = textsOf(svg);

  it('is a file beside the results', () => {
    expect(fileNameOf(SIZE_CURVE)).toBe('answer-size.svg');
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*<\/svg>\n$/);
  });

  it('names what it shows, with units, for what is drawn', () => {
    expect(texts).toEqual(
      expect.arrayContaining([SIZE_CURVE.title, 'CPU µs per request', 'added ms']),
    );
    expect(texts.filter((text) => text === 'answer')).toHaveLength(2);
    expect(texts).not.toContain('p99 µs');
  });

  it('has a legend for two lines, and none for one', () => {
    expect(texts).toEqual(expect.arrayContaining(['hit in Redis', 'near hit']));
    const points = SIZE_CURVE.points.filter(({ series }) => series === 'near hit');
    expect(textsOf(drawCurve({ ...SIZE_CURVE, points }))).not.toContain('near hit');
  });

  it('marks the places that were measured, on logarithmic axes', () => {
    expect(texts.filter((text) => / KB$| MB$/.test(text))).toEqual([
      '1 KB',
      '1 MB',
      '1 KB',
      '1 MB',
    ]);
    expect(texts).toEqual(expect.arrayContaining(['10', '100', '1K', '10K']));
  });

  it('can be read on any background: it has none, and grey letters', () => {
    expect(svg).toMatch(/^<svg [^>]*>\n<rect [^>]*fill="none"/);
    const colors = [...svg.matchAll(/<text [^>]*fill="([^"]*)"/g)].map(([, color]) => color);
    expect(colors.length).toBeGreaterThan(10);
    expect(new Set(colors)).toEqual(new Set(['#79818b']));
  });

  it('draws the spread of each point', () => {
    const about60 = (least: number, most: number): string => {
      const values = { cpuUs: { median: 60, least, most } };
      const points = SIZE_CURVE.points.map((point) => ({ ...point, values }));
      return impersonal(drawCurve({ ...SIZE_CURVE, points }));
    };
    expect(about60(59, 61)).toBe(about60(59, 61));
    expect(about60(59, 61)).not.toBe(about60(20, 95));
  });

  it('leaves out what no logarithmic axis has: values that are not above 0', () => {
    const points = SIZE_CURVE.points.filter(({ series }) => series === 'hit in Redis');
    const alone = drawCurve({ ...SIZE_CURVE, points });
    // Of four values one is below 0.
    expect(marksOf(alone, '#2f81f7')).toBe(3);
    expect(alone).not.toContain('NaN');
  });
});
