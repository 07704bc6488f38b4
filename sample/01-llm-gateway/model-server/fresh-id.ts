import { randomUUID } from 'node:crypto';

/** An id such as `chatcmpl-5f0c…`, which nothing ever had before. */
export function freshId(prefix: string): string {
  return prefix + randomUUID().replaceAll('-', '');
}

/** The time of an answer as APIs write it, in seconds. */
export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
