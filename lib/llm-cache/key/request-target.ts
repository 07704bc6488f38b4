/**
 * The path and the query of a URL with the parameters in the order of their names. Parameters
 * of one name keep their order, and nothing is decoded, so that nothing is merged.
 */
export function requestTarget(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  if (mark === -1) return { path: url, query: '' };
  const parameters = url.slice(mark + 1).split('&');
  return { path: url.slice(0, mark), query: parameters.toSorted(byName).join('&') };
}

function byName(a: string, b: string): number {
  const [nameA = '', nameB = ''] = [a.split('=', 1)[0], b.split('=', 1)[0]];
  if (nameA === nameB) return 0;
  return nameA < nameB ? -1 : 1;
}
