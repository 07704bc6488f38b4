import { AzureRedisError } from '../azure-redis.errors.js';

/** Redis begins an error with its kind, as in `OOM command not allowed …`. */
const KIND_OF_REPLY = /^[A-Z]{2,20}(?= )/;

/** What kind of error it is, for metrics; never its text, which may tell a key or a host. */
export function errorType(error: unknown): string {
  if (error instanceof AzureRedisError) return error.code;
  if (!(error instanceof Error)) return typeof error;
  if (error.name === 'ReplyError') return KIND_OF_REPLY.exec(error.message)?.[0] ?? 'ERR';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
