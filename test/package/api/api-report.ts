import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { repository } from '../environment/packed-package.js';
import { PublicApi } from './public-api.js';

/**
 * The public API of an entry point as Markdown: each exported declaration by name, then those that
 * they mention without exporting them. Without comments: what is left is what users compile against.
 */
export async function apiReport(declarations: string, entry: string): Promise<string> {
  const api = new PublicApi(declarations);
  const text = [
    `# ${entry}`,
    'Written by `npm run pack:check -- --update`.',
    block(api.exported),
    ...(api.mentioned.length > 0 ? ['## Mentioned, not exported', block(api.mentioned)] : []),
  ].join('\n\n');
  const style = await resolveConfig(join(repository, 'README.md'));
  return format(text, { ...style, parser: 'markdown' });
}

const block = (declarations: readonly string[]): string =>
  `\`\`\`ts\n${declarations.join('\n\n')}\n\`\`\``;
