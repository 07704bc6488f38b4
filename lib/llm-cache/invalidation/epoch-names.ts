import { createHmac } from 'node:crypto';

/** Digest of a name as it stands in Redis; half of SHA-256 keeps names apart. */
const DIGEST_BYTES = 16;

/** What every request has in common. */
export const ALL = 'all';

/** What an invalidation can be about. */
export type EpochSubject = 'key' | 'tag' | 'model' | 'principal';

/**
 * The name under which a subject is invalidated, and under which a request that it concerns is
 * looked up.
 *
 * @param value a cache key, a tag, a model, or a principal as the cache key has it
 */
export function epochName(subject: EpochSubject, value: string): string {
  return `${subject}:${value}`;
}

/**
 * Digests of names, so that tags and principals cannot be read in Redis. As in the principal of
 * the cache key, every instance must find the same one without sharing a secret: who guesses a
 * name can check the guess.
 */
export function nameDigest(namespace: string): (name: string) => string {
  const key = createHmac('sha256', 'nestjs-azure-redis llm-cache epoch v1')
    .update(namespace)
    .digest();
  return (name) =>
    createHmac('sha256', key).update(name).digest().subarray(0, DIGEST_BYTES).toString('base64url');
}
