/** Commands to paste into a terminal; `-i` shows `X-Cache` and `Cache-Status`. */
export function curlLines(url: string, model: string): string[] {
  const ask = (body: object, flags: string): string =>
    `  curl ${flags} ${url}/v1/chat/completions -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  const messages = [{ role: 'user', content: 'What is Redis?' }];
  return [ask({ model, messages }, '-i'), ask({ model, messages, stream: true }, '-iN')];
}
