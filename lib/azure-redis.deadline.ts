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
    timer = setTimeout(() => reject(onDeadline()), deadlineMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
