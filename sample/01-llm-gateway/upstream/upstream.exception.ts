import { HttpException, HttpStatus } from '@nestjs/common';

/** Headers of a refusal that tell the client how to go on. */
const PASSED_HEADERS = ['retry-after', 'retry-after-ms', 'x-should-retry', 'x-request-id'];

/** The upstream refused, or could not be asked: its status and its words, for the caller. */
export class UpstreamException extends HttpException {
  private constructor(
    body: object,
    status: number,
    readonly headers: readonly (readonly [string, string])[] = [],
  ) {
    super({ ...body }, status);
  }

  static async from(response: Response): Promise<UpstreamException> {
    const body: unknown = await response.json().catch(() => undefined);
    return new UpstreamException(
      typeof body === 'object' && body !== null
        ? body
        : openAiError(`The model server answered ${response.status}.`),
      // A redirect or an empty success is nothing that a caller of this API could use.
      response.status >= 400 ? response.status : HttpStatus.BAD_GATEWAY,
      PASSED_HEADERS.flatMap((name) => {
        const value = response.headers.get(name);
        return value === null ? [] : [[name, value] as const];
      }),
    );
  }

  static unreachable(what: string): UpstreamException {
    return new UpstreamException(openAiError(what), HttpStatus.BAD_GATEWAY);
  }
}

/** An error in the shape of OpenAI's API, which its clients know how to read. */
export function openAiError(message: string, type = 'upstream_error'): object {
  return { error: { message, type, param: null, code: null } };
}
