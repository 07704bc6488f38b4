import { HttpException, HttpStatus } from '@nestjs/common';

/** Headers of a refusal that tell the client how to go on. */
const PASSED_HEADERS = [
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-request-id',
  'request-id',
];

/** The upstream refused, or could not be asked. */
export class UpstreamException extends HttpException {
  private constructor(
    message: string,
    status: number,
    /** The upstream's own, for the caller as they are. */
    readonly words?: object,
    readonly headers: readonly (readonly [string, string])[] = [],
  ) {
    super(message, status);
  }

  static async from(response: Response): Promise<UpstreamException> {
    const body: unknown = await response.json().catch(() => undefined);
    return new UpstreamException(
      `The model server answered ${response.status}.`,
      // A redirect or an empty success is nothing that a caller of this API could use.
      response.status >= 400 ? response.status : HttpStatus.BAD_GATEWAY,
      typeof body === 'object' && body !== null ? body : undefined,
      PASSED_HEADERS.flatMap((name) => {
        const value = response.headers.get(name);
        return value === null ? [] : [[name, value] as const];
      }),
    );
  }

  static unreachable(what: string): UpstreamException {
    return new UpstreamException(what, HttpStatus.BAD_GATEWAY);
  }
}
