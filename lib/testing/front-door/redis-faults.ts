/** A command error that is still to be given. */
interface CommandFailure {
  readonly message: string;
  left: number;
}

/** What the front doors do wrong at the moment, and how often still. */
export class RedisFaults {
  isStalled = false;
  isBlackHole = false;
  replyDelayMs = 0;
  authDelayMs = 0;
  #authsToReject = 0;
  readonly #failures: CommandFailure[] = [];

  rejectAuth(times: number): void {
    this.#authsToReject = times;
  }

  takeAuthRejection(): boolean {
    if (this.#authsToReject <= 0) return false;
    this.#authsToReject -= 1;
    return true;
  }

  failCommands(message: string, times: number): void {
    this.#failures.push({ message, left: times });
  }

  takeCommandFailure(): string | undefined {
    const [failure] = this.#failures;
    if (!failure) return undefined;
    failure.left -= 1;
    if (failure.left <= 0) this.#failures.shift();
    return failure.message;
  }

  clear(): void {
    this.isStalled = false;
    this.isBlackHole = false;
    this.replyDelayMs = 0;
    this.authDelayMs = 0;
    this.#authsToReject = 0;
    this.#failures.length = 0;
  }
}
