const CONSONANTS = 'bcdfghjklmnprstvwz';
const VOWELS = 'aeiou';
/** One in so many syllables ends a word. */
const WORD = 3;

/** The same made-up words in every process; they compress about as well as what a model writes. */
export function sampleText(length: number): string {
  let state = 1;
  // Numerical Recipes: good enough for a text.
  const below = (count: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  const pick = (letters: string): string => letters.charAt(below(letters.length));
  let text = '';
  while (text.length < length) {
    text += `${pick(CONSONANTS)}${pick(VOWELS)}${below(WORD) === 0 ? ' ' : ''}`;
  }
  return text.slice(0, length);
}
