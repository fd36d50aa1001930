/** What a commit's answer says of each partition; with the errors that no library here can be made to give. */
import { expect, test } from "bun:test";
import { splitCommit } from "../../src/kafka/commit-result.ts";

const part = (partition: number, errorCode: number) => ({ topic: "t", partition, offset: 7, errorCode });
const numbers = (list: readonly { partition: number }[]) => list.map(({ partition }) => partition);

test.each([
  ["all went well", 0, [0, 0], [0, 1], [], 0],
  ["one failed, and the request does not say so", 0, [0, 27], [0], [1], 27],
  ["one failed, and the request has its error", 27, [0, 27], [0], [1], 27],
  ["its error was given to all", 27, [27, 27], [], [0, 1], 27],
  ["the request failed", -195, [0, 0], [], [0, 1], -195],
] as const)("%s", (_name, errorCode, codes, committed, failed, error) => {
  const split = splitCommit({ errorCode, partitions: codes.map((code, i) => part(i, code)) });
  expect(numbers(split.committed)).toEqual([...committed]);
  expect(numbers(split.failed)).toEqual([...failed]);
  expect(split.errorCode).toBe(error);
});

test("without an answer, all that was asked for has failed", () => {
  const asked = [{ topic: "t", partition: 3, offset: 1 }];
  expect(splitCommit({ errorCode: -185, partitions: [] }, asked)).toEqual({
    committed: [],
    failed: asked,
    errorCode: -185,
  });
});
