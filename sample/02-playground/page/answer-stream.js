/**
 * Asks the gateway as any client of OpenAI would.
 *
 * @param onText called with each piece of the answer
 * @returns how it was answered; throws an Error whose message is for the reader
 */
export async function askGateway(model, question, onText) {
  const startedAt = performance.now();
  const response = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      stream: true,
      // What was saved can only be counted in answers that tell their tokens.
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: question }],
    }),
  }).catch(() => {
    throw new Error('The gateway cannot be reached. Is npm start still running?');
  });
  if (!response.ok) throw new Error(await refusalOf(response));

  let firstTokenMs;
  let tokens;
  let isDone = false;
  for await (const data of dataOf(response.body)) {
    if (data === '[DONE]') {
      isDone = true;
      continue;
    }
    const { choices, usage } = JSON.parse(data);
    const text = choices?.[0]?.delta?.content;
    if (text) {
      firstTokenMs ??= performance.now() - startedAt;
      onText(text);
    }
    tokens = usage?.completion_tokens ?? tokens;
  }
  if (!isDone) throw new Error('The answer broke off. Ask again.');
  const totalMs = performance.now() - startedAt;
  const isHit = response.headers.get('x-cache') === 'HIT';
  return { isHit, firstTokenMs: firstTokenMs ?? totalMs, totalMs, tokens };
}

/** The data of each server-sent event. */
async function* dataOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const lines = (rest + piece.value).split('\n');
      rest = lines.pop();
      for (const line of lines) if (line.startsWith('data:')) yield line.slice(5).trim();
    }
  } catch (cause) {
    throw new Error('The answer broke off. Ask again.', { cause });
  }
}

async function refusalOf(response) {
  const body = await response.json().catch(() => undefined);
  return body?.error?.message ?? `The gateway answered ${response.status}. Ask again.`;
}
