import { describeValue, describeWord, listed, quoteName } from './describe-value.js';
import { nearestName } from './nearest-name.js';
import type { OptionProblems } from './option-problems.js';

/**
 * Reads one object of options: each getter returns the checked value, or `undefined` when it is
 * absent or wrong; what is wrong is added to the problems.
 */
export class OptionReader {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #problems: OptionProblems;

  constructor(values: object, path: string, problems: OptionProblems) {
    this.#values = { ...values };
    this.#path = path;
    this.#problems = problems;
  }

  get names(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** What the user calls the option `name` of this object. */
  nameOf(name: string): string {
    return this.#problems.nameOf(this.#pathOf(name));
  }

  /** What was written under `name`, unchecked. */
  value(name: string): unknown {
    return this.#values[name];
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  problem(name: string, expected: string, came: string, advice: string): undefined {
    this.#problems.add(this.#pathOf(name), expected, came, advice);
  }

  /** Adds a problem for every name that is not `known`; `advice` is for names people expect. */
  rejectUnknownNames(
    known: readonly string[],
    advice: Readonly<Record<string, string>> = {},
  ): void {
    for (const name of this.names.filter((key) => !known.includes(key))) {
      const nearest = nearestName(name, known);
      const hint = Object.hasOwn(advice, name) ? advice[name] : undefined;
      this.#problems.add(
        this.#pathOf(/^[\w$]{1,60}$/.test(name) ? name : quoteName(name)),
        'a known option',
        'an unknown name',
        hint ??
          (nearest === undefined
            ? `remove it; known here are ${listed(known, 'and')}`
            : `did you mean ${this.nameOf(nearest)}?`),
      );
    }
  }

  text(name: string, expected: string, advice: string): string | undefined {
    const value = this.#values[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value.trim() === '') {
      return this.problem(name, expected, describeValue(value), advice);
    }
    if (value !== value.trim()) {
      return this.problem(name, expected, 'one with white space around it', 'trim it');
    }
    return value;
  }

  integer(
    name: string,
    { min, max, expected, advice }: { min: number; max: number; expected: string; advice: string },
  ): number | undefined {
    const value = this.#values[name];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    const written = typeof value === 'string' && /^\d+$/.test(value);
    return this.problem(
      name,
      expected,
      describeWord(value),
      written ? `${advice} (without quotes)` : advice,
    );
  }

  choice<const T extends string>(
    name: string,
    choices: readonly T[],
    advice: string,
  ): T | undefined {
    const value = this.#values[name];
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    const nearest = typeof value === 'string' ? nearestName(value, choices) : undefined;
    return this.problem(
      name,
      listed(choices.map((choice) => `'${choice}'`)),
      describeWord(value),
      nearest === undefined ? advice : `did you mean '${nearest}'?`,
    );
  }

  flag(name: string, advice: string): boolean | undefined {
    const value = this.#values[name];
    if (value === undefined || typeof value === 'boolean') return value;
    return this.problem(name, 'true or false', describeWord(value), advice);
  }

  /** A reader for the object under `name`. */
  section(name: string, expected: string, advice: string): OptionReader | undefined {
    const value = this.#values[name];
    if (value === undefined) return undefined;
    if (isOptionObject(value)) return new OptionReader(value, this.#pathOf(name), this.#problems);
    return this.problem(name, expected, describeValue(value), advice);
  }

  /** A reader for each object of the array under `name`. */
  items(name: string, expected: string, advice: string): OptionReader[] {
    const value = this.#values[name];
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.problem(name, `an array of ${expected}`, describeValue(value), advice);
      return [];
    }
    return value.flatMap((item: unknown, index) => {
      const path = `${this.#pathOf(name)}[${index}]`;
      if (isOptionObject(item)) return [new OptionReader(item, path, this.#problems)];
      this.#problems.add(path, expected, describeValue(item), advice);
      return [];
    });
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

/** An object that can hold options: no array, and no Promise that somebody forgot to await. */
export function isOptionObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && describeValue(value) === 'an object';
}
