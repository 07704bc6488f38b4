import type { PersonalField } from '../protocols/llm-protocol.interface.js';
import type { PersonalRange } from './entry.js';
import { locateMember } from '../json-members.js';

/**
 * Where the values of the personal fields stand in a JSON text.
 *
 * @param offset of the text in its frame
 */
export function personalRanges(
  json: Buffer,
  offset: number,
  fields: readonly PersonalField[],
): PersonalRange[] {
  return fields
    .flatMap(({ path, kind }) => {
      const range = locateMember(json, path);
      if (range === undefined || !isOfKind(json, range.start, kind)) return [];
      return { start: range.start + offset, end: range.end + offset, kind };
    })
    .toSorted((one, other) => one.start - other.start);
}

const QUOTE = '"'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const NINE = '9'.charCodeAt(0);

/** A `null` in the place of an id or a time stays. */
function isOfKind(json: Buffer, at: number, kind: PersonalRange['kind']): boolean {
  const first = json[at] ?? 0;
  return kind === 'time' ? first >= ZERO && first <= NINE : first === QUOTE;
}
