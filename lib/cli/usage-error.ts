/** The command line is wrong; the message says what to write instead, and quotes no value. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
