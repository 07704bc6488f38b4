/** Commands to paste into a terminal; `-i` shows `X-Cache` and `Cache-Status`. */
export function curlLines(url: string, model: string): string[] {
  const post = (path: string, body: object, flags = '-i'): string =>
    `  curl ${flags} ${url}${path} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  const messages = [{ role: 'user', content: 'What is Redis?' }];
  return [
    post('/v1/chat/completions', { model, messages }),
    post('/v1/chat/completions', { model, messages, stream: true }, '-iN'),
    post('/v1/embeddings', { model: 'text-embedding-3-small', input: 'Redis', dimensions: 8 }),
    `  curl -i ${url}/v1/models`,
  ];
}
