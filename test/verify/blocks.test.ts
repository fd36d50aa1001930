import { expect, test } from "bun:test";
import { BlockLines, Blocks } from "../../src/verify/blocks.ts";

test("blocks differ where both have them with other lines; which lines, their hashes tell", () => {
  const [ours, theirs] = [new Blocks(), new Blocks()];
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (const offset of [0, 1, 1024, 2048, 5000]) ours.add(0, offset, bytes(`line ${offset}`));
  // What is in one of them only (the topic no longer has it, say) cannot be compared.
  for (const offset of [1024, 2048, 9000]) theirs.add(0, offset, bytes(offset === 2048 ? "other" : `line ${offset}`));
  const differing = ours.differing(theirs);
  expect(differing).toEqual([{ partition: 0, block: 2 }]);
  const hashes = new BlockLines(differing);
  hashes.add(0, 2048, bytes("other"));
  hashes.add(0, 1024, bytes("other"));
  expect([2048, 2049, 1024].map((offset) => hashes.differs(0, offset, bytes(`line ${offset}`)))).toEqual([
    true,
    false,
    false,
  ]);
  expect(hashes.differs(0, 2048, bytes("other"))).toBe(false);
});
