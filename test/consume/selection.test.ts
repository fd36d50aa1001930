import { describe, expect, test } from "bun:test";
import { Selection } from "../../src/consume/selection.ts";
import type { Lines } from "../../src/consume/worker-messages.ts";
import { lineOf, linesOf, textOf } from "./support.ts";

describe("Selection", () => {
  function select(written: readonly (readonly [number, number])[], ...buffers: readonly Lines[]) {
    const selection = new Selection(new Map(written));
    for (const lines of buffers) selection.add(lines);
    const text = selection.pieces.map(textOf).join("");
    expect(selection.bytes).toBe(text.length);
    expect(selection.lines).toBe(text.split("\n").length - 1);
    return {
      text,
      pieces: selection.pieces.length,
      offsets: Object.fromEntries(selection.offsets),
      suppressed: selection.suppressedLines,
    };
  }

  test("keeps everything that is new, as one piece a buffer", () => {
    expect(select([], linesOf([0, 0], [0, 1], [1, 0]), linesOf([0, 2]))).toEqual({
      text: lineOf(0, 0) + lineOf(0, 1) + lineOf(1, 0) + lineOf(0, 2),
      pieces: 2,
      offsets: { 0: 2, 1: 0 },
      suppressed: 0,
    });
  });

  test("drops whole runs, parts of runs, and lines that came in an earlier buffer of the same group", () => {
    const first = linesOf([0, 4], [0, 5], [1, 8], [2, 1], [2, 3], [2, 4], [0, 6]);
    const result = select(
      [
        [0, 5],
        [2, 2],
      ],
      first,
      linesOf([0, 5], [0, 6], [0, 7], [1, 8]),
    );
    expect(result).toEqual({
      text: lineOf(1, 8) + lineOf(2, 3) + lineOf(2, 4) + lineOf(0, 6) + lineOf(0, 7),
      pieces: 3,
      offsets: { 0: 7, 1: 8, 2: 4 },
      suppressed: 6,
    });
  });

  test("nothing new is no piece", () => {
    expect(select([[0, 9]], linesOf([0, 8], [0, 9]))).toEqual({ text: "", pieces: 0, offsets: {}, suppressed: 2 });
  });

  test("offsets with gaps are cut at the right line", () => {
    expect(select([[0, 15]], linesOf([0, 10], [0, 14], [0, 20], [0, 30])).text).toBe(lineOf(0, 20) + lineOf(0, 30));
  });
});
