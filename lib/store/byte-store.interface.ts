/**
 * The byte face of the store, for `llm-cache`. Keys carry the store's own prefix in Redis.
 * Fail-open like the rest of the store: trouble or a missed deadline is a miss or a dropped
 * write, never an error.
 *
 * @publicApi
 */
export interface ByteStore {
  getBytes(key: string): Promise<Buffer | undefined>;
  /** In the order of the keys. */
  getManyBytes(keys: readonly string[]): Promise<(Buffer | undefined)[]>;
  /** Resolves to whether Redis confirmed the write within the deadline. */
  setBytes(key: string, bytes: Buffer, ttlMs: number): Promise<boolean>;
  deleteBytes(key: string): Promise<boolean>;
}
