import { setTimeout as sleep } from 'node:timers/promises';
import {
  Controller,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Post,
  RequestMethod,
  Sse,
} from '@nestjs/common';
import { LlmCache } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { from, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { useFleet } from '../../fixtures/fleet/fleet.js';
import { useGatewayScript } from '../../fixtures/fleet/gateway-script.js';
import { newQuestion, PIECES, piecesOf } from '../../fixtures/fleet/question.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

const WORDS = ['Grüße ', 'aus ', 'dem ', 'Speicher ', '👋'];
/** The words, the reason of the end, and `[DONE]`. */
const EVENTS = WORDS.length + 2;
const PAUSE_MS = 150;

/** An event as a caller got it. */
interface ReceivedEvent {
  readonly id: string;
  readonly data: string;
}

interface Completion {
  readonly id: string;
  readonly created: number;
  readonly choices: readonly [{ readonly delta: { readonly content?: string } }];
}

@Injectable()
class Model {
  calls = 0;
  /** Events that may be given; those behind them wait. */
  open = Infinity;
  pauseMs = 0;

  async *events(): AsyncGenerator<string> {
    const call = (this.calls += 1);
    const head = { id: `chatcmpl-${`call${call}`.padEnd(24, '0')}`, created: 1_700_000_000 + call };
    for (let index = 0; index < EVENTS; index += 1) {
      while (index >= this.open) await sleep(2);
      if (index > 0 && this.pauseMs > 0) await sleep(this.pauseMs);
      if (index === EVENTS - 1) yield '[DONE]';
      else yield JSON.stringify({ ...head, choices: [choiceOf(index)] });
    }
  }

  async *frames(): AsyncGenerator<string> {
    for await (const data of this.events()) yield `data: ${data}\n\n`;
  }

  async *messages(): AsyncGenerator<{ data: string }> {
    for await (const data of this.events()) yield { data };
  }

  response(): Response {
    const frames = this.frames();
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await frames.next();
        if (done === true) controller.close();
        else controller.enqueue(Buffer.from(value));
      },
      cancel: async () => {
        await frames.return(undefined);
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }
}

function choiceOf(index: number): object {
  const content = WORDS[index];
  return content === undefined
    ? { index: 0, delta: {}, finish_reason: 'stop' }
    : { index: 0, delta: { content }, finish_reason: null };
}

@Controller()
@LlmCache({ resumable: true })
class ResumableController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('response/chat/completions')
  @HttpCode(200)
  response(): Response {
    return this.#model.response();
  }

  @Post('generator/chat/completions')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  generator(): AsyncGenerator<string> {
    return this.#model.frames();
  }

  @Sse('sse/chat/completions', { method: RequestMethod.POST })
  sse(): Observable<{ data: string }> {
    return from(this.#model.messages());
  }

  @Post('recorded/chat/completions')
  @HttpCode(200)
  @LlmCache({ resumable: true, pacing: 'recorded' })
  recorded(): Response {
    return this.#model.response();
  }

  @Post('verbatim/chat/completions')
  @HttpCode(200)
  @LlmCache({ resumable: true, verbatim: true })
  verbatim(): Response {
    return this.#model.response();
  }

  @Post('plain/chat/completions')
  @HttpCode(200)
  @LlmCache({ resumable: false })
  plain(): Response {
    return this.#model.response();
  }
}

const FORMS = ['response', 'generator', 'sse'] as const;

let asked = 0;

const newBody = (): object => ({
  model: 'm',
  stream: true,
  messages: [{ role: 'user', content: `question ${(asked += 1)}` }],
});

function eventsIn(text: string): ReceivedEvent[] {
  return text
    .trimStart()
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const valueOf = (field: string): string =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${field}: `))
          ?.slice(field.length + 2) ?? '';
      return { id: valueOf('id'), data: valueOf('data') };
    });
}

/** Reads so many events of an answer, and leaves. */
async function take(response: Response, count: number): Promise<ReceivedEvent[]> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (eventsIn(text).length < count) {
    const { done = true, value = '' } = (await reader?.read()) ?? {};
    if (done) throw new Error(`The answer has ended behind ${text}`);
    text += value;
  }
  await reader?.cancel();
  return eventsIn(text).slice(0, count);
}

const wordsOf = (events: readonly ReceivedEvent[]): string[] =>
  events
    .filter(({ data }) => data !== '[DONE]')
    .flatMap(({ data }) => {
      const { choices }: Completion = JSON.parse(data);
      return choices[0].delta.content ?? [];
    });

/** All of one answer to one caller: each event once, ids that count up, one chatcmpl id, one time. */
function expectOneAnswer(events: readonly ReceivedEvent[]): void {
  expect(wordsOf(events)).toEqual(WORDS);
  expect(events.map(({ data }) => data).indexOf('[DONE]')).toBe(EVENTS - 1);
  const [first = { id: '' }] = events;
  const name = /^[\w-]+\.[\w-]+(?=\.0$)/.exec(first.id)?.[0];
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => `${name}.${index}`));
  const completions = events.slice(0, -1).map(({ data }): Completion => JSON.parse(data));
  expect(new Set(completions.map(({ id }) => id)).size).toBe(1);
  expect(completions[0]?.id).toMatch(/^chatcmpl-\w{20,}$/);
  expect(new Set(completions.map(({ created }) => created)).size).toBe(1);
  expect(Number.isSafeInteger(completions[0]?.created)).toBe(true);
}

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterAll(() => azure.stop());

describe.each(PLATFORMS)('an event stream of a route that can resume (%s)', (platform) => {
  let app: CachedApp;
  let model: Model;
  beforeAll(async () => {
    const controllers = [ResumableController];
    app = await startCachedApp(azure, { platform, controllers, providers: [Model] });
    model = app.app.get(Model);
  });
  afterAll(() => app.app.close());
  beforeEach(async () => {
    Object.assign(model, { calls: 0, open: Infinity, pauseMs: 0 });
    await emptyRedis(app.redis);
  });

  const ask = (form: string, body: object, lastEventId?: string): Promise<Response> =>
    fetch(`${app.url}/${form}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      body: JSON.stringify(body),
    });
  const read = async (form: string, body: object, lastEventId?: string) => {
    const { text } = await app.read(ask(form, body, lastEventId));
    return eventsIn(text);
  };
  /** The answer is in Redis, and its flight is over. */
  const isStored = async () => {
    await eventually('the answer is stored', async () => (await app.entries()).length === 1);
    await app.redis.ping();
  };

  describe.each(FORMS)('by %s', (form) => {
    it('has ids on a miss, for who joins, and on a hit', async () => {
      const body = newBody();
      model.open = 2;
      const miss = read(form, body);
      await eventually('the call', () => model.calls === 1);
      const { collapsed } = app.cache.stats;
      const joined = read(form, body);
      await eventually('it has joined', () => app.cache.stats.collapsed > collapsed);
      model.open = Infinity;
      const [first, second] = [await miss, await joined];
      await isStored();
      const third = await read(form, body);
      for (const events of [first, second, third]) expectOneAnswer(events);
      expect(second).toEqual(first);
      const [one, other] = [first[0], third[0]].map((event) => event?.id.split('.') ?? []);
      // The same answer, for another caller.
      expect([one?.[0] === other?.[0], one?.[1] === other?.[1]]).toEqual([true, false]);
      expect(model.calls).toBe(1);
    });

    it('of a miss goes on live, behind any event', async () => {
      for (let count = 1; count < EVENTS; count += 1) {
        const body = newBody();
        model.open = count;
        const got = await take(await ask(form, body), count);
        const { collapsed } = app.cache.stats;
        const rest = read(form, body, got.at(-1)?.id);
        await eventually('it has joined', () => app.cache.stats.collapsed > collapsed);
        model.open = Infinity;
        expectOneAnswer([...got, ...(await rest)]);
        expect(model.calls).toBe(count);
      }
    });

    it('of somebody else’s call goes on live', async () => {
      const body = newBody();
      model.open = 3;
      const leader = read(form, body);
      const got = await take(await ask(form, body), 3);
      const { collapsed } = app.cache.stats;
      const rest = read(form, body, got[2]?.id);
      await eventually('it has joined', () => app.cache.stats.collapsed > collapsed);
      model.open = Infinity;
      expectOneAnswer([...got, ...(await rest)]);
      expectOneAnswer(await leader);
      expect(model.calls).toBe(1);
    });

    it('of a miss goes on from the entry', async () => {
      const body = newBody();
      model.open = 3;
      const got = await take(await ask(form, body), 3);
      model.open = Infinity;
      await isStored();
      expectOneAnswer([...got, ...(await read(form, body, got[2]?.id))]);
      expect(model.calls).toBe(1);
    });

    it('of a hit goes on from the entry, again and again', async () => {
      const body = newBody();
      await read(form, body);
      await isStored();
      const whole = await read(form, body);
      expectOneAnswer(whole);
      for (const [index, { id }] of whole.entries()) {
        expect(await read(form, body, id)).toEqual(whole.slice(index + 1));
      }
      expect(model.calls).toBe(1);
    });

    it.each(['7', 'garbage', 'a.b.c', 'a b.c.1', 'a.b.1234567890', `${'a'.repeat(50)}.b.1`])(
      'is whole for who asks behind what is no event of ours: %s',
      async (lastEventId) => {
        const body = newBody();
        expectOneAnswer(await read(form, body, lastEventId));
        await isStored();
        expectOneAnswer(await read(form, body, lastEventId));
        expect(model.calls).toBe(1);
      },
    );
  });

  describe.each(['response', 'generator'])('by %s', (form) => {
    it('that is gone is told from a new one: 412, and the handler is not called', async () => {
      const body = newBody();
      const [event] = await read(form, body);
      await isStored();
      await emptyRedis(app.redis);
      const gone = await app.read(ask(form, body, event?.id));
      expect(gone.status).toBe(412);
      expect(gone.text).toContain('Ask again without it.');
      expect(model.calls).toBe(1);
      expectOneAnswer(await read(form, body));
      await isStored();
      // Another answer to the same question.
      expect((await app.read(ask(form, body, event?.id))).status).toBe(412);
      expect(model.calls).toBe(2);
    });

    it('of another question or another caller is none to go on with', async () => {
      const [event] = await read(form, newBody());
      await isStored();
      const other = await app.read(ask(form, newBody(), event?.id));
      expect(other.status).toBe(412);
      expect(other.text).not.toContain('Speicher');
      expect(model.calls).toBe(1);
    });

    it('of a call that is under way for another answer is 412', async () => {
      const body = newBody();
      model.open = 2;
      const miss = read(form, body);
      await eventually('the call', () => model.calls === 1);
      expect((await app.read(ask(form, body, 'other.-.1'))).status).toBe(412);
      model.open = Infinity;
      expectOneAnswer(await miss);
      expect(model.calls).toBe(1);
    });
  });

  it('by sse that is gone calls no handler, and gives no event of another answer', async () => {
    const [event] = await read('sse', newBody());
    await isStored();
    const { text } = await app.read(ask('sse', newBody(), event?.id));
    expect(text).toContain('Ask again without it.');
    expect(text).not.toContain('Speicher');
    expect(model.calls).toBe(1);
  });

  it('behind its last event has nothing more', async () => {
    const body = newBody();
    const whole = await read('response', body);
    await isStored();
    const answer = await app.read(ask('response', body, whole.at(-1)?.id));
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it('of a caller with another credential is not his to go on with', async () => {
    const body = newBody();
    const [event] = await read('response', body);
    await isStored();
    const headers = { authorization: 'Bearer other', 'last-event-id': event?.id ?? '' };
    const answer = await app.post('response/chat/completions', body, headers);
    expect(answer.status).toBe(412);
    expect(answer.text).not.toContain('Speicher');
    expect(model.calls).toBe(1);
  });

  it('with its recorded ids has the same in both parts', async () => {
    const body = newBody();
    const miss = await read('verbatim', body);
    await isStored();
    expect(await read('verbatim', body)).toEqual(miss);
    expect(await read('verbatim', body, miss[2]?.id)).toEqual(miss.slice(3));
  });

  it('at its recorded pace does not wait again for what is skipped', async () => {
    const body = newBody();
    model.pauseMs = PAUSE_MS;
    await read('recorded', body);
    await isStored();
    const startedAt = performance.now();
    const whole = await read('recorded', body);
    expect(performance.now() - startedAt).toBeGreaterThan((EVENTS - 2) * PAUSE_MS);
    const resumedAt = performance.now();
    const rest = await read('recorded', body, whole.at(-3)?.id);
    expect(performance.now() - resumedAt).toBeLessThan((EVENTS - 2) * PAUSE_MS);
    expectOneAnswer([...whole.slice(0, -2), ...rest]);
  });

  it('of a route that cannot resume has no ids, and is whole whatever is asked for', async () => {
    const body = newBody();
    const resumable = await read('response', body);
    for (const lastEventId of [undefined, resumable[1]?.id, 'a.b.1']) {
      const events = await read('plain', body, lastEventId);
      expect(wordsOf(events)).toEqual(WORDS);
      expect(events.map(({ id }) => id)).toEqual(events.map(() => ''));
    }
  });

  it('has a time whatever the name of its replay', async () => {
    const body = newBody();
    const miss = await read('response', body);
    await isStored();
    const [answer] = miss[0]?.id.split('.') ?? [];
    const forged = await app.read(ask('response', body, `${answer}._no-time.0`));
    // Refused, or an answer that a client can parse.
    const completions = forged.status === 412 ? [] : eventsIn(forged.text).slice(0, -1);
    for (const { data } of completions) expect(() => JSON.parse(data)).not.toThrow();
    expect([200, 412]).toContain(forged.status);
  });

  it('of a hit goes on with its own ids while the entry is still being written', async () => {
    const body = newBody();
    model.open = 1;
    const leader = ask('response', body);
    await eventually('the call', () => model.calls === 1);
    // The entry counts from the end of the answer on, and is in Redis later.
    azure.redis.delay(1_500);
    try {
      model.open = Infinity;
      await (await leader).text();
      const response = await ask('response', body);
      const isHit = response.headers.get('x-cache') === 'HIT';
      const got = await take(response, 3);
      const rest = eventsIn(await (await ask('response', body, got[2]?.id)).text());
      expect(isHit).toBe(true);
      expectOneAnswer([...got, ...rest]);
    } finally {
      azure.redis.recover();
    }
  });
});

describe('an event stream in a fleet', { timeout: 30_000 }, () => {
  const script = useGatewayScript();
  const current = useFleet(script, { cache: { deadlineMs: 5_000, llm: { resumable: true } } });

  /** Each piece once and in order, under one id, whatever processes they came from. */
  const expectWhole = (
    events: readonly ReceivedEvent[],
    question: Parameters<typeof piecesOf>[0],
  ): void => {
    expect(wordsOf(events)).toEqual(piecesOf(question));
    expect(events).toHaveLength(PIECES + 2);
    const [name] = events.map(({ id }) => id.slice(0, id.lastIndexOf('.')));
    expect(name).toMatch(/^[\w-]+\.[\w-]+$/);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => `${name}.${index}`));
    const heads = events.slice(0, -1).map(({ data }): string => {
      const { id, created }: Completion = JSON.parse(data);
      return `${id} ${created}`;
    });
    expect(new Set(heads).size).toBe(1);
  };

  it.each([0, 1])('goes on live in another process: first asked in process %d', async (index) => {
    const fleet = current();
    const question = newQuestion(true);
    fleet.model.open = 10;
    const leader = await fleet.process(0).ask(question);
    const first = index === 0 ? leader : await fleet.process(index).ask(question);
    const got = await take(first, 10);
    const lastEventId = got.at(-1)?.id ?? '';
    const rest = fleet.process(2).ask(question, { lastEventId });
    // It has to find its leader; nothing more is said meanwhile.
    await sleep(300);
    fleet.model.open = Infinity;
    expectWhole([...got, ...eventsIn(await (await rest).text())], question);
    expect(fleet.model.calls).toHaveLength(1);
  });

  it('goes on from the entry in another process, of a miss and of a hit', async () => {
    const fleet = current();
    const question = newQuestion(true);
    const miss = await take(await fleet.process(0).ask(question), 20);
    let hit: ReceivedEvent[] = [];
    await eventually('a hit', async () => {
      const response = await fleet.process(1).ask(question);
      hit = await take(response, 5);
      return response.headers.get('x-cache') === 'HIT';
    });
    for (const got of [miss, hit]) {
      const lastEventId = got.at(-1)?.id ?? '';
      const rest = await fleet.process(2).ask(question, { lastEventId });
      expectWhole([...got, ...eventsIn(await rest.text())], question);
    }
    expect(fleet.model.calls).toHaveLength(1);
  });

  it('is gone for another user, and after an invalidation', async () => {
    const fleet = current();
    const question = newQuestion(true);
    const got = await take(await fleet.process(0).ask(question), 3);
    const lastEventId = got.at(-1)?.id ?? '';
    await eventually('a hit', async () => {
      const response = await fleet.process(1).ask(question, { lastEventId });
      await response.text();
      return response.headers.get('x-cache') === 'HIT';
    });
    const foreign = await fleet.process(1).ask(question, { lastEventId, user: 'other' });
    expect(foreign.status).toBe(412);
    await fleet.process(2).invalidate({ model: question.model });
    await sleep(1_000);
    for (const process of fleet.processes) {
      expect((await process.ask(question, { lastEventId })).status).toBe(412);
    }
    expect(fleet.model.calls).toHaveLength(1);
  });

  it('holds up nobody when it is gone: the next question is asked at once', async () => {
    const fleet = current();
    const question = newQuestion(true);
    const gone = await fleet.process(0).ask(question, { lastEventId: 'gone.-.3' });
    expect(gone.status).toBe(412);
    const startedAt = performance.now();
    expectWhole(eventsIn(await (await fleet.process(1).ask(question)).text()), question);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(fleet.model.calls).toHaveLength(1);
  });
});
