/** @publicApi */
export interface AzureRedisHealthOptions {
  /** Of the connection, as given to `AzureRedisModule`. @default 'default' */
  readonly name?: string;
  /**
   * How long a check takes at most, in milliseconds; Kubernetes waits for 1 s by default.
   *
   * @default 500
   */
  readonly timeoutMs?: number;
  /**
   * Whether `degraded` is answered as `down`. Meant for alerts: neither a restart nor less traffic
   * mends what degrades a connection. @default false
   */
  readonly degradedIsDown?: boolean;
}
