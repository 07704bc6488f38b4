import { readFileSync } from 'node:fs';
import { Controller, Get, Header, NotFoundException, Param, StreamableFile } from '@nestjs/common';

const PAGE = new URL('../page/', import.meta.url);
const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'playground.js': 'text/javascript; charset=utf-8',
  'answer-stream.js': 'text/javascript; charset=utf-8',
  'chat.js': 'text/javascript; charset=utf-8',
  'faults.js': 'text/javascript; charset=utf-8',
  'format.js': 'text/javascript; charset=utf-8',
  'news.js': 'text/javascript; charset=utf-8',
  'panels.js': 'text/javascript; charset=utf-8',
} as const;
const OWN_ONLY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page and its files: these and no others. */
@Controller()
export class PageController {
  readonly #files = new Map(
    Object.entries(TYPES).map(([name, type]) => [
      name,
      { type, content: readFileSync(new URL(name, PAGE)) },
    ]),
  );

  @Get()
  @Header('content-security-policy', OWN_ONLY)
  @Header('referrer-policy', 'no-referrer')
  @Header('x-content-type-options', 'nosniff')
  @Header('cache-control', 'no-cache')
  index(): StreamableFile {
    return this.#send('index.html');
  }

  @Get('playground/:name')
  @Header('x-content-type-options', 'nosniff')
  @Header('cache-control', 'no-cache')
  file(@Param('name') name: string): StreamableFile {
    return this.#send(name);
  }

  #send(name: string): StreamableFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new NotFoundException('The playground has no such file.');
    return new StreamableFile(file.content, { type: file.type });
  }
}
