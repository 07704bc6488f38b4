import { join } from 'node:path';
import { expect, it } from 'vitest';
import { entryPoints } from '../consumer/entry-points.js';
import { repository } from '../environment/packed-package.js';
import { apiReport } from './api-report.js';

it.each(entryPoints())('the API of $name is as it was', async ({ name, types }) => {
  const report = await apiReport(join(repository, types), name);
  await expect(
    report,
    'The public API has changed. If it should: npm run pack:check -- --update, and tell it in CHANGELOG.md.',
  ).toMatchFileSnapshot(`${name.replace('/', '.')}.md`);
});
