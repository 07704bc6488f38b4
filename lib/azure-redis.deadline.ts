/**
 * The promise, or `onDeadline()` thrown after `deadlineMs`. The promise goes on; a rejection
 * that comes too late is dropped.
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  deadlineMs: number,
  onDeadline: () => Error,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // After a stall of the event loop timers come before the answers that have arrived
      // meanwhile; those get their turn first.
      setImmediate(() => reject(onDeadline()));
    }, deadlineMs);
    timer.unref();
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
