import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortestDecimal } from '../../../../lib/llm-cache/embeddings/shortest-decimal.js';
import { decodeVector, renderVector } from '../../../../lib/llm-cache/embeddings/vector.js';
import { anyFloat32, bytesOf } from './fixture.js';

describe('a vector', () => {
  it('is the same bytes whether it came as numbers or as base64', () => {
    const bytes = Buffer.from('0000803f000000c0cdcccc3d', 'hex');
    expect(decodeVector([1, -2, 0.1])).toEqual(bytes);
    expect(decodeVector('AACAPwAAAMDNzMw9')).toEqual(bytes);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 1],
    ['an object', { 0: 1 }],
    ['no numbers', []],
    ['text among numbers', [1, '2']],
    ['null among numbers', [1, null]],
    ['NaN', [Number.NaN]],
    ['infinity', [Number.NEGATIVE_INFINITY]],
    ['a number beyond float32', [1e39]],
    ['vectors in a vector', [[1, 2]]],
    ['no text', ''],
    ['text that is no base64', 'AACAPw==!'],
    ['base64 in the alphabet of URLs', '-_-_-w=='],
    ['base64 without its padding', 'AACAPw'],
    ['base64 with line ends', 'AACA\nPw=='],
    ['base64 of three bytes', 'AACA'],
    ['base64 of NaN', Buffer.from('0000c07f', 'hex').toString('base64')],
    ['base64 of infinity', Buffer.from('0000803f0000807f', 'hex').toString('base64')],
  ])('is not made of %s', (_what, embedding) => {
    expect(decodeVector(embedding)).toBeUndefined();
  });

  it('survives both formats bit by bit', () => {
    fc.assert(
      fc.property(fc.array(anyFloat32, { minLength: 1 }), (numbers) => {
        const bytes = bytesOf(numbers);
        expect(decodeVector(numbers)).toEqual(bytes);
        expect(decodeVector(renderVector(bytes, 'float'))).toEqual(bytes);
        expect(decodeVector(renderVector(bytes, 'base64'))).toEqual(bytes);
      }),
    );
  });

  it('is the same text as JSON however often it is stored and rendered', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1 }), (x) => {
        const rendered = renderVector(bytesOf(x), 'float');
        const text = JSON.stringify(rendered);
        // JSON has no -0.
        const again = decodeVector(JSON.parse(text)) ?? Buffer.of();
        expect(JSON.stringify(renderVector(again, 'float'))).toBe(text);
      }),
    );
  });
});

describe('the shortest decimal of a float32', () => {
  it.each([
    [0.10000000149011612, 0.1],
    [-0.10000000149011612, -0.1],
    [0.3333333432674408, 0.33333334],
    [-0.006929283495992422, -0.0069292835],
    [16777216, 16777216],
    [999999.9375, 999999.94],
    // Powers of two, where float32 lie closer on one side than on the other.
    [2 ** -44, 5.684342e-14],
    [2 ** -13, 0.00012207031],
    [2 ** -96, 1.26217745e-29],
    // The bounds of float32 and of its normal numbers.
    [2 ** -149, 1e-45],
    [2 ** -126, 1.1754944e-38],
    [(2 - 2 ** -23) * 2 ** 127, 3.4028235e38],
  ])('of %d is %d', (float, decimal) => {
    expect(Math.fround(float)).toBe(float);
    expect(shortestDecimal(float)).toBe(decimal);
  });

  it('keeps the sign of zero', () => {
    expect(shortestDecimal(-0)).toBe(-0);
  });

  it('is the same float32, and no decimal with fewer digits is', () => {
    fc.assert(
      fc.property(anyFloat32, (float) => {
        const decimal = shortestDecimal(float);
        expect(Math.fround(decimal)).toBe(float);
        const digits = digitsOf(decimal);
        expect(digits).toBeLessThanOrEqual(9);
        for (let fewer = 1; fewer < digits; fewer++) {
          expect(Math.fround(Number(float.toPrecision(fewer)))).not.toBe(float);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is the decimal that was written, up to six digits', () => {
    const written = fc.tuple(
      fc.integer({ min: -999_999, max: 999_999 }),
      fc.integer({ min: -30, max: 30 }),
    );
    fc.assert(
      fc.property(written, ([digits, exponent]) => {
        const decimal = Number(`${digits}e${exponent}`);
        expect(shortestDecimal(Math.fround(decimal))).toBe(decimal);
      }),
      { numRuns: 2000 },
    );
  });
});

function digitsOf(number: number): number {
  return number.toExponential().replace(/e.*/, '').replaceAll(/[-.]/g, '').length;
}
