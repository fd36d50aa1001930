import { expect, test } from "bun:test";
import { Commits } from "../../src/consume/commits.ts";
import { isUpTo, nextSequence, type Run } from "../../src/consume/worker-messages.ts";

const run = (partition: number, lastOffset: number): Run => ({
  partition,
  firstOffset: 0,
  lastOffset,
  lines: 1,
  start: 0,
  end: 1,
});

test("only what is written is due, at most every interval, and only what is new", () => {
  const commits = new Commits(500);
  commits.sent(1, [run(0, 9), run(1, 4), run(0, 19)]);
  commits.sent(2, [run(0, 29)]);
  expect(commits.takeDue(0)).toEqual(new Map());
  commits.markWritten(1);
  expect(commits.outstanding).toBe(1);
  expect(commits.takeDue(1000)).toEqual(
    new Map([
      [0, 20],
      [1, 5],
    ]),
  );
  commits.markWritten(2);
  expect(commits.takeDue(1499)).toEqual(new Map());
  expect(commits.takeDue(1500)).toEqual(new Map([[0, 30]]));
  expect(commits.takeDue(9999)).toEqual(new Map());
});

test("what could not be committed is due again, or what is written since then; what is no longer ours is not", () => {
  const commits = new Commits(0);
  commits.sent(1, [run(0, 9), run(1, 6)]);
  commits.sent(2, [run(0, 11)]);
  commits.markWritten(1);
  expect(commits.takeDue(0)).toEqual(
    new Map([
      [0, 10],
      [1, 7],
    ]),
  );
  commits.giveBack([0, 1, 2]);
  commits.markWritten(2);
  expect(commits.takeDue(1)).toEqual(
    new Map([
      [0, 12],
      [1, 7],
    ]),
  );
  commits.release([1]);
  commits.giveBack([0, 1]);
  expect(commits.takeDue(2)).toEqual(new Map([[0, 12]]));
});

test("what is written counts as unconfirmed until the group is known to have it, asked for or not", () => {
  const commits = new Commits(0);
  commits.sent(1, [run(0, 9), run(1, 6)]);
  expect(commits.unconfirmed()).toEqual(new Map());
  commits.markWritten(1);
  const asked = commits.takeDue(0);
  expect(commits.unconfirmed()).toEqual(asked);
  commits.confirm(new Map([[0, 10]]));
  expect(commits.unconfirmed()).toEqual(new Map([[1, 7]]));
  commits.sent(2, [run(0, 19)]);
  commits.markWritten(2);
  expect(commits.unconfirmed([0, 2])).toEqual(new Map([[0, 20]]));
});

test("a partition that goes away takes along what is unconfirmed, and its outstanding lines are not committed later", () => {
  const commits = new Commits(0);
  commits.sent(1, [run(0, 9), run(1, 9), run(3, 9)]);
  commits.sent(2, [run(0, 19), run(1, 19)]);
  expect(commits.isWaiting([0])).toBe(true);
  expect(commits.isWaiting([2])).toBe(false);
  commits.markWritten(1);
  commits.takeDue(0);
  commits.confirm(new Map([[3, 10]]));
  expect(commits.release([0, 2, 3])).toEqual(new Map([[0, 10]]));
  expect(commits.isWaiting([0])).toBe(false);
  expect(commits.isWaiting([1])).toBe(true);
  expect(commits.release([0])).toEqual(new Map());
  commits.markWritten(2);
  expect(commits.takeDue(0)).toEqual(new Map([[1, 20]]));
});

test("sequence numbers go on past 32 bits", () => {
  const commits = new Commits(0);
  let sequence = 2 ** 31 - 3;
  for (let i = 0; i < 5; i++) {
    sequence = nextSequence(sequence);
    commits.sent(sequence, [run(0, i)]);
  }
  expect(sequence).toBe(-(2 ** 31) + 2);
  commits.markWritten(2 ** 31 - 1);
  expect(commits.outstanding).toBe(3);
  commits.markWritten(-(2 ** 31));
  expect(commits.outstanding).toBe(2);
  commits.markWritten(sequence);
  expect(commits.outstanding).toBe(0);
  expect(isUpTo(5, 4)).toBe(false);
});
