/** The sample cannot start for a reason that the user can change; the message is all there is to say. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
