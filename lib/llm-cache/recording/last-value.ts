import { defer, tap, type MonoTypeOperatorFunction } from 'rxjs';

/**
 * Passes every value through and calls `settle` with the last one once the source completes,
 * before Nest sends it; never after an error.
 */
export function onLastValue<T>(
  settle: (value: T | undefined) => void,
): MonoTypeOperatorFunction<T> {
  return (source) =>
    defer(() => {
      let last: T | undefined;
      return source.pipe(
        tap({
          next: (value) => {
            last = value;
          },
          complete: () => settle(last),
        }),
      );
    });
}
