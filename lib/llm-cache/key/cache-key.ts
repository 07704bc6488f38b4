import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const KEY_VERSION = 'v4';

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
  /** Digest of the canonical text. */
  readonly body: string;
}

/** SHA-256 of all that, the same in every epoch. */
export function cacheKey(material: KeyMaterial): string {
  const { namespace, route, protocol, principal, partition = null, headers, body } = material;
  // As JSON, which keeps the parts apart, and tells lone surrogates apart that a hash would not.
  const parts = [
    `nestjs-azure-redis llm-cache key ${KEY_VERSION}`,
    namespace,
    route,
    protocol,
    principal,
    partition,
    semanticHeaders(headers),
    body,
  ];
  return hash('sha256', JSON.stringify(parts), 'base64url');
}

export const semanticHeaders = (headers: IncomingHttpHeaders): readonly unknown[] =>
  SEMANTIC_HEADERS.map((name) => headers[name] ?? null);

/** Under which an answer is kept until something invalidates it. */
export function keyInEpoch(key: string, epoch: string): string {
  return hash('sha256', `${key}:${epoch}`, 'base64url');
}
