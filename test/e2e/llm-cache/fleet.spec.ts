import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { askTogether, followTo, type Asked } from '../../fixtures/fleet/callers.js';
import { useFleet, type Fleet } from '../../fixtures/fleet/fleet.js';
import { useGatewayScript } from '../../fixtures/fleet/gateway-script.js';
import { newQuestion, piecesOf, type Question } from '../../fixtures/fleet/question.js';
import { expectWhole, receive } from '../../fixtures/fleet/received-answer.js';

const CALLERS = 100;
const FORMS = [
  ['JSON', false],
  ['a stream', true],
] as const;

/** A machine that is busy with a hundred callers must not look like one without Redis. */
const CACHE = { deadlineMs: 5_000 };

const script = useGatewayScript();

const times = (count: number, question: Question): Asked[] =>
  Array.from({ length: count }, () => ({ question }));

/** A process is asked until it makes a call of its own: nobody has kept the answer. */
const expectNotStored = (fleet: Fleet, question: Question): Promise<void> => {
  const before = fleet.model.calls.length;
  return eventually('a call is made', async () => {
    await receive(fleet.process(1).ask(question));
    return fleet.model.calls.length > before;
  });
};

describe.each(['standalone', 'cluster'] as const)(
  'one call for all processes (%s)',
  { timeout: 30_000 },
  (topology) => {
    const current = useFleet(script, { topology, cache: CACHE });

    it.each(FORMS)(`${CALLERS} callers at once get the same bytes: %s`, async (_, isStream) => {
      const fleet = current();
      const question = newQuestion(isStream);
      const answers = await askTogether(fleet, times(CALLERS, question));
      expect(fleet.model.calls).toHaveLength(1);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      for (const answer of answers) expectWhole(answer, question);
    });

    it('a late caller gets the stream from its beginning, and then live', async () => {
      const fleet = current();
      const question = newQuestion(true);
      const [first, late] = await followTo(10, fleet, question);
      const reader = late?.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (!text.includes(piecesOf(question)[9] ?? '')) text += (await reader?.read())?.value;
      expect(text).toContain(piecesOf(question)[0]);
      fleet.model.open = Infinity;
      for (;;) {
        const { done = true, value = '' } = (await reader?.read()) ?? {};
        text += value;
        if (done) break;
      }
      expect(text).toBe(await first?.text());
      expectWhole({ status: 200, cache: null, text }, question);
      expect(fleet.model.calls).toHaveLength(1);
    });

    it.each(FORMS)('other questions and other callers are others: %s', async (_, isStream) => {
      const fleet = current();
      const questions = Array.from({ length: 3 }, () => newQuestion(isStream));
      const asked = questions.flatMap((question) =>
        ['one', 'other'].flatMap((user) => Array.from({ length: 3 }, () => ({ question, user }))),
      );
      const answers = await askTogether(fleet, asked);
      expect(fleet.model.calls).toHaveLength(6);
      for (const answer of answers) expectWhole(answer, answer.question);
    });

    it.each(FORMS)('all processes have the answer from then on: %s', async (_, isStream) => {
      const fleet = current();
      const question = newQuestion(isStream);
      await askTogether(fleet, times(3, question));
      for (const process of fleet.processes) {
        await eventually('a hit', async () => {
          const answer = await receive(process.ask(question));
          expectWhole(answer, question);
          return answer.cache === 'HIT';
        });
      }
      expect(fleet.model.calls).toHaveLength(1);
    });

    it.each(FORMS)('a failure of the first is not that of the others: %s', async (_, isStream) => {
      const fleet = current();
      fleet.model.failures.push({ status: 500 });
      const question = newQuestion(isStream);
      const answers = await askTogether(fleet, times(30, question));
      const served = answers.filter(({ status }) => status !== 500);
      expect(served).toHaveLength(29);
      for (const answer of served) expectWhole(answer, question);
      expect(fleet.model.calls).toHaveLength(2);
    });

    it.each(FORMS)('a model that is down is so for everybody, at once: %s', async (_, isStream) => {
      const fleet = current();
      fleet.model.failures.push(...Array.from({ length: 1_000 }, () => ({ status: 500 })));
      const question = newQuestion(isStream);
      const answers = await askTogether(fleet, times(30, question));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 500));
      // Two that everybody waits for, then each for itself.
      expect(fleet.model.calls.length).toBeLessThanOrEqual(2 + 30);
      fleet.model.failures.length = 0;
      await expectNotStored(fleet, question);
    });

    it('a stream that breaks off in the model looks whole to nobody, and is not stored', async () => {
      const fleet = current();
      fleet.model.failures.push({ resetAtFrame: 20 });
      const question = newQuestion(true);
      const answers = await askTogether(fleet, times(9, question));
      const [whole, cut] = [true, false].map((isWhole) =>
        answers.filter(({ cutBy }) => (cutBy === undefined) === isWhole),
      );
      for (const answer of whole ?? []) expectWhole(answer, question);
      expect(cut?.filter(({ text }) => text.includes('[DONE]'))).toEqual([]);
      expect(cut?.length).toBeGreaterThan(0);
      await eventually('it is a hit, and whole', async () => {
        const answer = await receive(fleet.process(1).ask(question));
        expectWhole(answer, question);
        return answer.cache === 'HIT';
      });
      expect(fleet.model.calls.length).toBeGreaterThan(1);
    });

    it.each(FORMS)('an answer cut by its length is shared, not stored: %s', async (_, isStream) => {
      const fleet = current();
      fleet.model.style = { ...fleet.model.style, finishReason: 'length' };
      const question = newQuestion(isStream);
      const answers = await askTogether(fleet, times(9, question));
      for (const answer of answers) expectWhole(answer, question, { finishReason: 'length' });
      expect(fleet.model.calls).toHaveLength(1);
      await expectNotStored(fleet, question);
    });

    it.each([
      ['leads', 0],
      ['follows', 1],
    ] as const)('a caller who does not read delays no process: one that %s', async (_, slow) => {
      const fleet = current();
      // Some hundred kilobytes are as much as sockets take for somebody who does not read.
      fleet.model.style = { ...fleet.model.style, padding: 20_000 };
      const question = newQuestion(true);
      const responses = await followTo(1, fleet, question);
      fleet.model.open = Infinity;
      const pieces = fleet.model.calls[0]?.pieces ?? [];
      for (const response of responses.toSpliced(slow, 1)) {
        expectWhole(await receive(response), question, { pieces });
      }
      for (const response of responses.slice(slow, slow + 1)) {
        expectWhole(await receive(response), question, { pieces });
      }
      expect(fleet.model.calls).toHaveLength(1);
    });

    it('the caller who leads may leave; those of other processes get everything', async () => {
      const fleet = current();
      const question = newQuestion(true);
      const leader = new AbortController();
      const [left, ...others] = await followTo(10, fleet, question, leader.signal);
      leader.abort();
      await expect(left?.text()).rejects.toThrow(/aborted/);
      await sleep(100);
      fleet.model.open = Infinity;
      for (const response of others) expectWhole(await receive(response), question);
      expect(fleet.model.calls).toHaveLength(1);
    });
  },
);

describe('without a fleet', () => {
  const current = useFleet(script, { cache: { ...CACHE, llm: { fleet: false } } });

  it.each(FORMS)('each process makes a call of its own: %s', async (_, isStream) => {
    const fleet = current();
    const question = newQuestion(isStream);
    const answers = await askTogether(fleet, times(30, question));
    expect(fleet.model.calls.map(({ process }) => process).toSorted()).toEqual(
      fleet.processes.map(({ name }) => name).toSorted(),
    );
    for (const answer of answers) expectWhole(answer, question);
  });
});
