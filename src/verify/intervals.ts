/** A set of offsets, kept as the stretches in which they lie: little memory for many offsets with few gaps. */

export interface Stretch {
  readonly first: number;
  readonly last: number;
}

interface Open {
  first: number;
  last: number;
}

export class Intervals {
  /** Ascending; between two is at least one offset that is not in the set. */
  readonly #stretches: Open[] = [];
  /** Where the last offset went: the next one mostly follows it. */
  #at = 0;
  size = 0;

  /** False where it is there already. */
  add(offset: number): boolean {
    const near = this.#stretches[this.#at];
    if (near !== undefined && offset === near.last + 1 && offset !== this.#stretches[this.#at + 1]?.first) {
      near.last = offset;
      this.size++;
      this.#join(this.#at);
      return true;
    }
    return this.#addAnywhere(offset);
  }

  #addAnywhere(offset: number): boolean {
    // The first stretch that begins behind the offset.
    let [low, high] = [0, this.#stretches.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#stretches[middle]!.first > offset) high = middle;
      else low = middle + 1;
    }
    const before = this.#stretches[low - 1];
    if (before !== undefined && offset <= before.last) return false;
    this.size++;
    if (before?.last === offset - 1) {
      before.last = offset;
      this.#at = low - 1;
    } else {
      this.#stretches.splice(low, 0, { first: offset, last: offset });
      this.#at = low;
    }
    this.#join(this.#at);
    return true;
  }

  #join(at: number): void {
    const [one, next] = [this.#stretches[at]!, this.#stretches[at + 1]];
    if (next === undefined || next.first !== one.last + 1) return;
    one.last = next.last;
    this.#stretches.splice(at + 1, 1);
  }

  get first(): number | undefined {
    return this.#stretches[0]?.first;
  }

  get last(): number | undefined {
    return this.#stretches.at(-1)?.last;
  }

  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  /** What lies between the stretches. */
  gaps(): Stretch[] {
    return this.#stretches.slice(1).map(({ first }, i) => ({ first: this.#stretches[i]!.last + 1, last: first - 1 }));
  }

  /** What is in this set and not in the other. */
  without(other: Intervals): Stretch[] {
    const rest: Stretch[] = [];
    let at = 0;
    for (const { first, last } of this.#stretches) {
      let from = first;
      while (at < other.#stretches.length && other.#stretches[at]!.last < from) at++;
      for (let i = at; i < other.#stretches.length && other.#stretches[i]!.first <= last; i++) {
        const { first: start, last: end } = other.#stretches[i]!;
        if (start > from) rest.push({ first: from, last: start - 1 });
        from = Math.max(from, end + 1);
      }
      if (from <= last) rest.push({ first: from, last });
    }
    return rest;
  }
}

export function countOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
