import { createHash, hash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { canonicalJson, canonicalPieces, type OmittedFields } from './canonical-json.js';

/** How long other requests may have to wait for a large body, in milliseconds. */
const MAX_TURN_MS = 1;

/** SHA-256 of the canonical text of a part of a body; `undefined` if it has none. */
export function partDigest(part: unknown, omitted: OmittedFields | undefined): string | undefined {
  const text = canonicalJson(part, omitted);
  return text === undefined ? undefined : hash('sha256', text, 'base64url');
}

/**
 * The same of a whole body. A large one is digested in several turns of the event
 * loop.
 *
 * @returns `undefined` if it has no canonical text
 */
export async function bodyDigest(
  body: unknown,
  omitted: OmittedFields | undefined,
): Promise<string | undefined> {
  let first: string | undefined;
  let digest: Hash | undefined;
  let turnEndsAt = performance.now() + MAX_TURN_MS;
  for (const piece of canonicalPieces(body, omitted)) {
    if (piece === undefined) return undefined;
    if (first === undefined) {
      first = piece;
      continue;
    }
    digest ??= createHash('sha256').update(first);
    digest.update(piece);
    if (performance.now() < turnEndsAt) continue;
    await nextTurn();
    turnEndsAt = performance.now() + MAX_TURN_MS;
  }
  // In one step, for the many that are small.
  return digest?.digest('base64url') ?? hash('sha256', first ?? '', 'base64url');
}
