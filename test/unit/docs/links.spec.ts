import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { expect, it } from 'vitest';
import { pages, read, repository } from '../../fixtures/docs/pages.js';

/** Without code, in which nothing is a link or a heading. */
function proseOf(page: string): string {
  return read(page)
    .replaceAll(/^```.*?^```$/gms, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ''));
}

/** As GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function linksOf(page: string): string[] {
  return [...proseOf(page).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
}

function isBroken(page: string, link: string): boolean {
  if (link.startsWith('https:')) return !URL.canParse(link);
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(repository, target))) return true;
  if (anchor === undefined) return false;
  return statSync(join(repository, target)).isDirectory() || !anchorsOf(target).includes(anchor);
}

it.each(pages)('every link of %s leads somewhere', (page) => {
  expect(linksOf(page).filter((link) => isBroken(page, link))).toEqual([]);
});

it('the pages link to each other', () => {
  const readme = linksOf('README.md').map((link) => link.split('#')[0]);
  for (const page of pages.filter((name) => name.startsWith('docs/'))) {
    expect(readme, `README.md links to ${page}`).toContain(page);
    expect(
      linksOf(page).map((link) => link.split('#')[0]),
      `${page} links to README.md`,
    ).toContain('../README.md');
  }
});
