import { concat, lastValueFrom, NEVER, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { onLastValue } from '../../../lib/llm-cache/recording/last-value.js';

describe('onLastValue', () => {
  it('passes all values through and settles with the last, before the end is seen', async () => {
    const order: unknown[] = [];
    const source = of(1, 2, 3).pipe(onLastValue((value) => order.push(['settled', value])));
    const values = await lastValueFrom(source.pipe(toArray()));
    order.push('end');
    expect(values).toEqual([1, 2, 3]);
    expect(order).toEqual([['settled', 3], 'end']);
  });

  it('settles with nothing when there was no value', async () => {
    const settled: unknown[] = [];
    await lastValueFrom(of().pipe(onLastValue((value) => settled.push(value))), {
      defaultValue: undefined,
    });
    expect(settled).toEqual([undefined]);
  });

  it('does not settle after an error, nor when nobody waits any more', async () => {
    const settled: unknown[] = [];
    const settle = onLastValue((value) => settled.push(value));
    const failing = concat(
      of(1),
      throwError(() => new Error('late')),
    );
    await expect(lastValueFrom(failing.pipe(settle))).rejects.toThrow('late');
    concat(of(1), NEVER).pipe(settle).subscribe().unsubscribe();
    expect(settled).toEqual([]);
  });

  it('keeps the values of two subscribers apart', async () => {
    const settled: unknown[] = [];
    const source = of(1).pipe(onLastValue((value) => settled.push(value)));
    await Promise.all([lastValueFrom(source), lastValueFrom(source)]);
    expect(settled).toEqual([1, 1]);
  });
});
