/** Seals what is kept for one principal. */
export interface Sealer {
  /**
   * @param context where the bytes are kept; they open nowhere else
   * @returns `undefined` when the bytes must not be stored: Redis, in trouble, has no salt for them
   */
  seal(context: string, bytes: Buffer): Promise<Buffer | undefined>;
  /**
   * @returns the whole bytes; `undefined` for those of another principal or context, of an unknown
   *   secret, damaged or erased ones
   * @throws Error when Redis, in trouble, does not tell the salt
   */
  open(context: string, sealed: Buffer): Promise<Buffer | undefined>;
}
