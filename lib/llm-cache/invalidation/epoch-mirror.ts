import type { EpochChanges } from './epoch-script.js';

/** What this process knows of the epochs in Redis. */
export class EpochMirror {
  #base: string | undefined;
  #newestVersion = 0;
  #newestName = '';
  /** Bounded like the set in Redis: under one base no name ever leaves either of them. */
  readonly #versions = new Map<string, number>();

  /** `undefined` before anything was heard of Redis. */
  get base(): string | undefined {
    return this.#base;
  }

  get newestVersion(): number {
    return this.#newestVersion;
  }

  /** The name that has the newest version; empty without any. */
  get newestName(): string {
    return this.#newestName;
  }

  get isEmpty(): boolean {
    return this.#versions.size === 0;
  }

  /** @returns whether the base is still the same, so that nothing has been forgotten */
  apply({ base, versions }: EpochChanges): boolean {
    const isSameBase = base === this.#base;
    if (!isSameBase) this.#startAgain(base);
    for (const [name, version] of versions) {
      this.#versions.set(name, version);
      [this.#newestName, this.#newestVersion] = [name, version];
    }
    return isSameBase;
  }

  /** 0 for a name that was never invalidated. */
  versionOf(name: string): number {
    return this.#versions.get(name) ?? 0;
  }

  #startAgain(base: string): void {
    this.#base = base;
    this.#newestVersion = 0;
    this.#newestName = '';
    this.#versions.clear();
  }
}
