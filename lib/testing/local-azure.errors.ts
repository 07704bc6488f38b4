/** What kept the local Azure from doing what was asked, for programs. @publicApi */
export type LocalAzureErrorCode =
  /** No redis-server and no valkey-server on this machine. */
  | 'REDIS_NOT_FOUND'
  /** The Redis that was found did not come up; the message has its last log lines. */
  | 'REDIS_NOT_STARTED'
  /** No free port was found on the loopback interface. */
  | 'NO_FREE_PORT'
  /** A change of the cluster did not come to its end in time. */
  | 'CLUSTER_NOT_READY'
  /** The topology or the Redis in use cannot do this. */
  | 'NOT_SUPPORTED'
  /** The local Azure was stopped. */
  | 'STOPPED';

/**
 * The error of `nestjs-azure-redis/testing`: says what came and what to do next.
 *
 * @publicApi
 */
export class LocalAzureError extends Error {
  override readonly name = 'LocalAzureError';

  constructor(
    readonly code: LocalAzureErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
