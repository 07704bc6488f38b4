import OpenAI, { APIError } from 'openai';

interface Answer {
  readonly text: string;
  readonly latencyMs: number;
  readonly headers: Headers;
}

/** Asks the gateway the same question twice with the official client; returns lines that say how it went. */
export async function sameQuestionTwice(gatewayUrl: string, model: string): Promise<string[]> {
  const openai = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey: 'sample', maxRetries: 0 });
  // Part of the key, so that a cache that outlives this process starts with a miss as well.
  const seed = Date.now() % 2 ** 31;
  const ask = async (): Promise<Answer> => {
    const start = performance.now();
    const { data, response } = await openai.chat.completions
      .create({
        model,
        seed,
        messages: [{ role: 'user', content: 'Why should an app cache the answers of a model?' }],
      })
      .withResponse();
    return {
      text: data.choices[0]?.message.content ?? '',
      latencyMs: performance.now() - start,
      headers: response.headers,
    };
  };
  try {
    const first = await ask();
    const second = await ask();
    const same = first.text === second.text;
    return [
      line('1st', first),
      line('2nd', second),
      `  ${same ? 'same answer' : 'NOT THE SAME ANSWER'}: ${shorten(second.text)}`,
    ];
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    return [`  not shown, the model server refused: ${shorten(error.message)}`];
  }
}

function line(name: string, { latencyMs, headers }: Answer): string {
  const latency = `${Math.round(latencyMs).toLocaleString('en')} ms`.padStart(9);
  const cache = (headers.get('x-cache') ?? '-').padEnd(4);
  return `  ${name} ${latency}   X-Cache: ${cache}   Cache-Status: ${headers.get('cache-status') ?? '-'}`;
}

function shorten(text: string): string {
  return text.length > 90 ? `${text.slice(0, 90)}…` : text;
}
