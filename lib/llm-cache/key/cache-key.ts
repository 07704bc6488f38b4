import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const KEY_VERSION = 'v3';

/** Request headers that change the meaning of a body, or in whose name it is asked. */
const SEMANTIC_HEADERS = [
  'anthropic-beta',
  'anthropic-version',
  'anthropic-workspace-id',
  'openai-beta',
  'openai-organization',
  'openai-project',
] as const;

/** Everything that decides whether two requests may share an answer. */
export interface KeyMaterial {
  readonly namespace: string;
  /** Whatever tells this route from all others, the URL of the request included. */
  readonly route: readonly string[];
  readonly protocol: string;
  readonly principal: string;
  /** A part of its own scope that the principal has named. */
  readonly partition?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** From `canonicalJson`. */
  readonly body: string;
}

/** SHA-256 of all that, the same in every epoch. */
export function cacheKey(material: KeyMaterial): string {
  const parts = [
    material.namespace,
    JSON.stringify(material.route),
    material.protocol,
    // As JSON, because hashing replaces lone surrogates: two names must not become one.
    JSON.stringify([material.principal, material.partition ?? null]),
    JSON.stringify(semanticHeaders(material.headers)),
    material.body,
  ];
  const hash = createHash('sha256').update(`nestjs-azure-redis llm-cache key ${KEY_VERSION}\n`);
  // The length in front of each part keeps apart what concatenation would merge.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('base64url');
}

export const semanticHeaders = (headers: IncomingHttpHeaders): readonly unknown[] =>
  SEMANTIC_HEADERS.map((name) => headers[name] ?? null);

/** Under which an answer is kept until something invalidates it. */
export function keyInEpoch(key: string, epoch: string): string {
  return createHash('sha256').update(`${key}:${epoch}`).digest('base64url');
}
