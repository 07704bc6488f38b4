import { AzureRedisOptionsError } from '../azure-redis.errors.js';

/** Collects every mistake, so that one boot reports all of them. */
export class OptionProblems {
  readonly #problems = new Map<string, string>();
  readonly #names: Map<string, string>;

  /** @param names what the user calls an option, e.g. `port` → `REDIS_PORT`. */
  constructor(names: Readonly<Record<string, string>> = {}) {
    this.#names = new Map(Object.entries(names));
  }

  get none(): boolean {
    return this.#problems.size === 0;
  }

  /** What the user calls the option at `path`. */
  nameOf(path: string): string {
    return this.#names.get(path) ?? path;
  }

  rename(path: string, name: string): void {
    this.#names.set(path, name);
  }

  /**
   * The first problem of an option is its cause, e.g. a variable that is not set; later ones
   * follow from it. No argument may contain a value that may be secret.
   */
  add(path: string, expected: string, came: string, advice: string): void {
    if (this.#problems.has(path)) return;
    this.#problems.set(path, `${this.nameOf(path)}: expected ${expected}, got ${came}; ${advice}`);
  }

  toError(): AzureRedisOptionsError {
    return new AzureRedisOptionsError([...this.#problems.values()]);
  }
}
