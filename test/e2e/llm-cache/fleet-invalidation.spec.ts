import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Invalidation } from '../../fixtures/fleet/commands.js';
import { useFleet, type Fleet } from '../../fixtures/fleet/fleet.js';
import { FreshnessJournal, type Subject } from '../../fixtures/fleet/freshness-journal.js';
import type { GatewayProcess } from '../../fixtures/fleet/gateway-process.js';
import { useGatewayScript } from '../../fixtures/fleet/gateway-script.js';
import { newQuestion } from '../../fixtures/fleet/question.js';
import { contentOf, receive } from '../../fixtures/fleet/received-answer.js';
import { seededRandom } from '../../unit/testing/seeded-random.js';

const REQUESTS = process.env['CHAOS_LONG'] === '1' ? 20_000 : 2_000;
const CALLERS = 25;
const QUESTIONS = 50;
const MODELS = 3;
const USERS = 5;
const TAGS = 4;
/** Between two requests of a caller, at most: callers are to be there for several seconds. */
const THINKING_MS = 200;
/** Answers between two invalidations of a process. */
const QUIET = { least: 200, most: 600 };

type Random = ReturnType<typeof seededRandom>;

const script = useGatewayScript();

/** Few subjects are asked for often, and many seldom, as it is with people. */
function someSubject(random: Random): Subject {
  const skewed = (count: number, power: number): number =>
    Math.floor(count * (random.below(1_000_000) / 1_000_000) ** power);
  const number = skewed(QUESTIONS, 7);
  const model = `model-${skewed(MODELS, 5)}`;
  return {
    question: newQuestion(number % 2 === 0, { model, words: `question ${number}` }),
    user: `user-${skewed(USERS, 5)}`,
    tag: `tag-${number % TAGS}`,
  };
}

function someInvalidation(random: Random): Invalidation {
  const share = random.below(100);
  if (share < 40) return { tag: `tag-${random.below(TAGS)}` };
  if (share < 65) return { principal: `user-${random.below(USERS)}` };
  if (share < 90) return { model: `model-${random.below(MODELS)}` };
  return { all: true };
}

async function askOnce(
  fleet: Fleet,
  process: GatewayProcess,
  subject: Subject,
  journal: FreshnessJournal,
): Promise<void> {
  const { question, user, tag } = subject;
  const sentAt = performance.now();
  const answer = await receive(process.ask(question, { user, tags: [tag] }));
  const { pieces } = contentOf(answer);
  // The answers of this model say which call they come from.
  const [, number = 0] = /^call (\d+), /.exec(pieces[0] ?? '') ?? [];
  const call = fleet.model.calls[Number(number) - 1];
  if (call === undefined || pieces.join('') !== call.pieces.join('')) {
    throw new Error(`Expected the answer of one call, got ${answer.status} ${answer.text}`);
  }
  journal.answers.push({ ...subject, sentAt, isHit: answer.cache === 'HIT', call });
}

/** As many callers as there are, who ask any process, while each process invalidates something. */
async function run(fleet: Fleet, random: Random): Promise<FreshnessJournal> {
  const journal = new FreshnessJournal();
  const ask = async (): Promise<void> => {
    for (let asked = 0; asked < REQUESTS / CALLERS; asked += 1) {
      await sleep(random.below(THINKING_MS));
      await askOnce(fleet, fleet.process(random.below(3)), someSubject(random), journal);
    }
  };
  const invalidate = async (process: GatewayProcess): Promise<void> => {
    for (;;) {
      const next = journal.answers.length + QUIET.least + random.below(QUIET.most - QUIET.least);
      if (next >= REQUESTS) return;
      while (journal.answers.length < next) await sleep(20);
      const invalidation = someInvalidation(random);
      const orderedAt = performance.now();
      await process.invalidate(invalidation);
      journal.invalidations.push({ invalidation, orderedAt, confirmedAt: performance.now() });
    }
  };
  await Promise.all([
    ...Array.from({ length: CALLERS }, ask),
    ...fleet.processes.map((process) => invalidate(process)),
  ]);
  return journal;
}

describe.each(['standalone', 'cluster'] as const)(
  'answers that are invalidated (%s)',
  { timeout: 60_000 + REQUESTS * 20 },
  (topology) => {
    // Nobody invalidates anything while Redis is found too slow.
    const current = useFleet(script, { topology, cache: { deadlineMs: 5_000 } });

    it('are served by no process a second later', async () => {
      const fleet = current();
      fleet.model.style = { ...fleet.model.style, isVaried: true };
      fleet.model.frameMs = 0;
      const journal = await run(fleet, seededRandom(4));
      expect(journal.answers).toHaveLength(REQUESTS);
      expect(journal.staleAnswers).toEqual([]);
      expect(journal.hitRate).toBeGreaterThan(0.5);
      expect(journal.judgedHits).toBeGreaterThan(REQUESTS / 10);
      expect(journal.changedSubjects).toBeGreaterThan(10);
    });
  },
);
