/**
 * The promise, or `onDeadline()` thrown after `deadlineMs`. The promise goes on; a rejection
 * that comes too late is dropped.
 */
export function withDeadline<T>(
  promise: Promise<T>,
  deadlineMs: number,
  onDeadline: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // After a stall of the event loop timers come before the answers that have arrived
      // meanwhile; those get their turn first.
      setImmediate(() => reject(onDeadline()));
    }, deadlineMs);
    timer.unref();
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
