/** Counters over all front doors. */
export class RedisStatistics {
  auths = 0;
  rejected = 0;
  expired = 0;
  commands = 0;

  reset(): void {
    this.auths = 0;
    this.rejected = 0;
    this.expired = 0;
    this.commands = 0;
  }
}
