/**
 * Chance that repeats: the same seed gives the same numbers on every machine. Only integers, additions, multiplications and
 * divisions are used, which IEEE 754 fixes bit for bit; `Math.pow` and `Math.log` are not fixed and would break the promise.
 */

const TWO_TO_32 = 4_294_967_296;
/** Rounds thrown away at the start, until the seed's bits have reached the whole state. */
const WARM_UP_ROUNDS = 16;

/** Chris Doty-Humphrey's sfc32 ("small fast counting", from PractRand, public domain): 128 bits of state, no bad seeds. */
export class Random {
  #a: number;
  #b = 0x9e3779b9 | 0;
  #c = 0x243f6a88 | 0;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    for (let i = 0; i < WARM_UP_ROUNDS; i++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 up to, but without, 1. */
  fraction(): number {
    return this.uint32() / TWO_TO_32;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  oneIn(count: number): boolean {
    return this.between(1, count) === 1;
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.between(0, list.length - 1)];
    if (picked === undefined) throw new Error("pick from an empty list");
    return picked;
  }
}

/** Picks indexes in proportion to their weights. */
export class Weighted {
  readonly #cumulative: Float64Array;

  constructor(weights: readonly number[]) {
    this.#cumulative = new Float64Array(weights.length);
    let sum = 0;
    for (const [index, weight] of weights.entries()) {
      sum += weight;
      this.#cumulative[index] = sum;
    }
  }

  index(random: Random): number {
    const total = this.#cumulative[this.#cumulative.length - 1] ?? 0;
    const target = random.fraction() * total;
    let low = 0;
    let high = this.#cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#cumulative[middle] ?? 0) > target) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Zipf's weights: the n-th is 1/n, so that a few are met often and most are met rarely. */
export function zipfWeights(count: number): number[] {
  return Array.from({ length: count }, (_, index) => 1 / (index + 1));
}
