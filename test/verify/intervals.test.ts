import { expect, test } from "bun:test";
import { countOf, Intervals } from "../../src/verify/intervals.ts";

test("offsets in any order become the stretches they make, and say when they come again", () => {
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed * 31;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const intervals = new Intervals();
    const model = new Set<number>();
    for (let step = 0; step < 150; step++) {
      const offset = random(100);
      // Runs, as a log has them, and single ones.
      for (let i = 0; i < (step % 3 === 0 ? random(8) : 1); i++) {
        expect(intervals.add(offset + i)).toBe(!model.has(offset + i));
        model.add(offset + i);
      }
    }
    const sorted = [...model].sort((a, b) => a - b);
    expect(
      intervals.stretches.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
    ).toEqual(sorted);
    expect([intervals.size, intervals.first, intervals.last]).toEqual([sorted.length, sorted[0], sorted.at(-1)]);
    expect(countOf(intervals.gaps())).toBe(sorted.at(-1)! - sorted[0]! + 1 - sorted.length);
    const other = new Intervals();
    const others = new Set(Array.from({ length: 40 }, () => random(110)));
    for (const offset of others) other.add(offset);
    const rest = intervals
      .without(other)
      .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
    expect(rest).toEqual(sorted.filter((offset) => !others.has(offset)));
  }
});
