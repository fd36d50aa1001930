/**
 * What waits, oldest first. An entry may leave from anywhere in constant time, and is its own link: on every event's way a `Set` would
 * allocate, and what it has let go of would outlive the collector's cheap passes.
 */

export interface Linked<T> {
  older: T | undefined;
  newer: T | undefined;
  isLinked: boolean;
}

/** An entry is in one list at a time. */
export class OldestFirst<T extends Linked<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;

  get oldest(): T | undefined {
    return this.#oldest;
  }

  add(entry: T): void {
    if (entry.isLinked) throw new Error("this entry waits already");
    entry.isLinked = true;
    entry.older = this.#newest;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  /** Whether it was there. */
  remove(entry: T): boolean {
    if (!entry.isLinked) return false;
    const { older, newer } = entry;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    entry.isLinked = false;
    entry.older = undefined;
    entry.newer = undefined;
    return true;
  }
}
