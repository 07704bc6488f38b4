/** RFC 9875 asks for at least 32 groups of at least 32 characters. */
const MAX_GROUPS = 128;
const MAX_GROUP_LENGTH = 128;

/** RFC 9651: a string, its quotes included. */
const STRING = /"(?:[ !#-[\]-~]|\\["\\])*"/;

/** RFC 9651 section 3.3: decimal or integer, string, token, bytes, boolean, date, display string. */
const BARE_ITEM = new RegExp(
  [
    String.raw`-?\d{1,12}\.\d{1,3}`,
    String.raw`@?-?\d{1,15}`,
    STRING.source,
    String.raw`[A-Za-z*][\w!#$%&'*+.^\`|~:/-]*`,
    String.raw`:[A-Za-z\d+/=]*:`,
    String.raw`\?[01]`,
    String.raw`%"(?:[ !#$&-~]|%[\da-f]{2})*"`,
  ].join('|'),
);

const PARAMETER = new RegExp(String.raw`; *[a-z*][a-z\d_.*-]*(?:=(?:${BARE_ITEM.source}))?`);
const MEMBER = new RegExp(`(${STRING.source})(?:${PARAMETER.source})*`, 'y');
const SEPARATOR = /[ \t]*,[ \t]*/y;

/**
 * The groups in the field `Cache-Groups`, each once: a list of strings, whose parameters mean
 * nothing (yet).
 *
 * A field that is malformed, or holds anything but strings, is ignored as a whole, as RFC 9651
 * has it. So are groups of more than 128 characters, and those behind the first 128.
 *
 * @param field its lines; `undefined` without any
 * @see https://www.rfc-editor.org/rfc/rfc9875
 * @see https://www.rfc-editor.org/rfc/rfc9651#section-4.2
 */
export function readCacheGroups(field: string | readonly string[] | undefined): readonly string[] {
  const text = [field ?? []].flat().join(',').trim();
  const groups = new Set<string>();
  for (let position = 0; position < text.length;) {
    MEMBER.lastIndex = position;
    const quoted = MEMBER.exec(text)?.[1];
    if (quoted === undefined) return [];
    const group = quoted.slice(1, -1).replaceAll(/\\(.)/g, '$1');
    if (group.length <= MAX_GROUP_LENGTH) groups.add(group);
    if (MEMBER.lastIndex === text.length) return [...groups].slice(0, MAX_GROUPS);
    SEPARATOR.lastIndex = MEMBER.lastIndex;
    if (!SEPARATOR.test(text)) return [];
    position = SEPARATOR.lastIndex;
  }
  return [];
}
