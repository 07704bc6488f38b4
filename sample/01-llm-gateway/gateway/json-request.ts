import { BadRequestException } from '@nestjs/common';

/** What Express and Fastify requests have in common with `rawBody: true`. */
export interface JsonRequest {
  readonly body?: unknown;
  readonly rawBody?: Buffer;
}

/** The body, parsed and as it came: the upstream gets the caller's own bytes. */
export function requireJson({ body, rawBody }: JsonRequest): {
  body: Readonly<Record<string, unknown>>;
  bytes: Buffer;
} {
  if (typeof body !== 'object' || body === null || rawBody === undefined) {
    throw new BadRequestException('Expected a JSON object with content-type: application/json.');
  }
  return { body: { ...body }, bytes: rawBody };
}
