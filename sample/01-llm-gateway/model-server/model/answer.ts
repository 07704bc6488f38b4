import { pick, seededRandom } from './seeded-random.js';

const OPENINGS = [
  'In short,',
  'As a rule,',
  'In practice,',
  'Put simply,',
  'Most of the time,',
] as const;
const SUBJECTS = [
  'a cache',
  'a short-lived token',
  'a shared key',
  'a well-chosen default',
  'a quiet log',
  'an idle connection',
  'a repeated question',
] as const;
const VERBS = ['saves', 'explains', 'outlives', 'replaces', 'protects', 'reveals'] as const;
const OBJECTS = [
  'more work than it causes',
  'what nobody wrote down',
  'the slowest part of the path',
  'a password that nobody rotates',
  'the answer you already paid for',
  'the second of two equal requests',
] as const;

/** A few sentences that are the same for the same question and seed, and make no sense beyond that. */
export function answerTo(question: string, ...seed: readonly string[]): string {
  const random = seededRandom(...seed);
  const sentences = Array.from(
    { length: 3 + Math.floor(random() * 3) },
    () =>
      `${pick(random, OPENINGS)} ${pick(random, SUBJECTS)} ${pick(random, VERBS)} ${pick(random, OBJECTS)}.`,
  );
  const subject = question.trim().replaceAll(/\s+/g, ' ').slice(0, 60);
  return `About "${subject}": ${sentences.join(' ')}`;
}
