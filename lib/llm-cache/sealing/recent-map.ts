/** A map of bounded size: what was not used for longest gives way. */
export class RecentMap<Value> {
  readonly #capacity: number;
  /** Least recently used first: a `Map` keeps the order of insertion. */
  readonly #values = new Map<string, Value>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#capacity) return;
    const [oldest = key] = this.#values.keys();
    this.#values.delete(oldest);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }
}
