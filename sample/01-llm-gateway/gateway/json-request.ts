import type { IncomingHttpHeaders } from 'node:http';
import { BadRequestException } from '@nestjs/common';
import type { UpstreamRequest } from '../upstream/upstream.service.js';

/** What Express and Fastify requests have in common with `rawBody: true`. */
export interface JsonRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body?: unknown;
  readonly rawBody?: Buffer;
}

interface JsonBody {
  readonly body: Readonly<Record<string, unknown>>;
}

/** The body, parsed and as it came: the upstream gets the caller's own bytes. */
export function requireJson({ body, rawBody, headers }: JsonRequest): JsonBody & UpstreamRequest {
  if (typeof body !== 'object' || body === null || rawBody === undefined) {
    throw new BadRequestException('Expected a JSON object with content-type: application/json.');
  }
  return { body: { ...body }, bytes: rawBody, headers };
}
