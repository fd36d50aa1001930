/** The loss oracle of `bun run chaos`: each kind of fault is found, and what nobody could promise is counted apart. */
import { describe, expect, test } from "bun:test";
import { ERROR_CODES } from "../../scripts/chaos/error-codes.ts";
import { bodyOf } from "../../scripts/chaos/events.ts";
import { type FoundLine, judgeLines } from "../../scripts/chaos/line-oracle.ts";
import { chosen } from "../../scripts/chaos/options.ts";
import { type FoundRecord, judgeTopic, type SentEvent, type TopicRules } from "../../scripts/chaos/oracle.ts";
import { withResults } from "../../scripts/chaos/report.ts";
import { isAsPromised, type Run, sumOf } from "../../scripts/chaos/result.ts";
import { SCENARIOS } from "../../scripts/chaos/scenarios.ts";

const RULES: TopicRules = { dedupes: true, partitionsRaised: false, brokerLies: false };

function event(n: number, over: Partial<SentEvent> = {}): SentEvent {
  return {
    id: `k-${n}`,
    key: "k",
    n,
    told: "acked",
    receipt: undefined,
    unknowns: 0,
    cuts: 0,
    ...over,
  };
}

/** Records of these events, from offset 0 of partition 0. */
function found(...numbers: number[]): FoundRecord[] {
  return numbers.map((n, offset) => record(n, { offset }));
}

function record(n: number, over: Partial<FoundRecord> = {}): FoundRecord {
  const id = `k-${n}`;
  return { partition: 0, offset: 0, id, key: "k", value: bodyOf(id), isMarked: false, ...over };
}

function judge(events: readonly SentEvent[], records: readonly FoundRecord[], over: Partial<TopicRules> = {}) {
  const sent = new Map(events.map((one) => [one.id, one]));
  const { faults, residual, ...counts } = judgeTopic(sent, records, { ...RULES, ...over });
  const { lost, duplicated, reordered, unexpected } = counts;
  return { bad: { lost, duplicated, reordered, unexpected }, residual, faults: faults.length, counts };
}

const GOOD = { lost: 0, duplicated: 0, reordered: 0, unexpected: 0 };

describe("the topic", () => {
  test("what was acked and is there once, and what was refused and is not, is as promised", () => {
    const verdict = judge([event(0), event(1, { told: "refused" }), event(2, { told: "spooled" })], found(0, 2));
    expect(verdict).toMatchObject({ bad: GOOD, faults: 0, counts: { events: 3, acked: 1, refused: 1, spooled: 1 } });
  });

  test.each(["acked", "spooled"] as const)("an event that was %s and is not there is lost", (told) => {
    expect(judge([event(0, { told }), event(1)], found(1))).toMatchObject({ bad: { ...GOOD, lost: 1 }, faults: 1 });
  });

  test("told unknown it may be there or not", () => {
    const events = [event(0, { told: "unknown", unknowns: 1 }), event(1, { told: "unknown", cuts: 1 })];
    expect(judge(events, found(1))).toMatchObject({ bad: GOOD, residual: { unknownLanded: 1 } });
  });

  test("refused and yet there, never sent, changed, with another key, not where its receipt says: unexpected", () => {
    expect(judge([event(0, { told: "refused" })], found(0)).bad).toEqual({ ...GOOD, unexpected: 1 });
    expect(judge([], found(0)).bad).toEqual({ ...GOOD, unexpected: 1 });
    expect(judge([event(0)], [record(0, { value: "{}" })]).bad).toEqual({ ...GOOD, unexpected: 1 });
    expect(judge([event(0)], [record(0, { key: null })]).bad).toEqual({ ...GOOD, unexpected: 1 });
    const receipt = { partition: 0, offset: 7, isPossibleDuplicate: false };
    expect(judge([event(0, { receipt })], found(0)).bad).toEqual({ ...GOOD, unexpected: 1 });
    expect(judge([event(0, { receipt: { ...receipt, offset: null } })], found(0)).bad).toEqual(GOOD);
  });

  test("a second copy is a fault, with a window also where a connection was cut", () => {
    expect(judge([event(0)], found(0, 0)).bad).toEqual({ ...GOOD, duplicated: 1 });
    expect(judge([event(0, { cuts: 1 })], found(0, 0, 0)).bad).toEqual({ ...GOOD, duplicated: 2 });
  });

  test("further copies are residual after unknown, where marked, of the spool, and after a cut without a window", () => {
    expect(judge([event(0, { unknowns: 1 })], found(0, 0))).toMatchObject({ bad: GOOD, residual: { afterUnknown: 1 } });
    expect(judge([event(0)], [record(0), record(0, { offset: 1, isMarked: true })])).toMatchObject({
      bad: GOOD,
      residual: { afterUnknown: 1 },
    });
    expect(judge([event(0, { told: "spooled" })], found(0, 0))).toMatchObject({ bad: GOOD, residual: { spooled: 1 } });
    expect(judge([event(0, { cuts: 1 })], found(0, 0), { dedupes: false })).toMatchObject({
      bad: GOOD,
      residual: { afterCut: 1 },
    });
  });

  test("order is by key, by the first copies of what is known to be kept", () => {
    const events = [0, 1, 2, 3].map((n) => event(n));
    expect(judge(events, found(0, 2, 1, 3)).bad).toEqual({ ...GOOD, reordered: 1 });
    const repeated = [event(0, { unknowns: 1 }), event(1), event(2)];
    expect(judge(repeated, found(0, 1, 0, 2)).bad).toEqual(GOOD);
    const uncertain = [event(0), event(1, { told: "unknown", unknowns: 1 }), event(2)];
    expect(judge(uncertain, found(0, 2, 1)).bad).toEqual(GOOD);
    const keyless = [0, 1].map((n) => event(n, { key: null }));
    expect(judge(keyless, [record(1, { key: null }), record(0, { key: null, offset: 1 })]).bad).toEqual(GOOD);
  });

  test("a key in two partitions is a fault, unless their number was raised", () => {
    const events = [event(0), event(1)];
    const records = [record(0), record(1, { partition: 5 })];
    expect(judge(events, records).bad).toEqual({ ...GOOD, reordered: 1 });
    expect(judge(events, records, { partitionsRaised: true })).toMatchObject({ bad: GOOD, residual: { movedKeys: 1 } });
  });

  test("what a broker was made to lie about is counted apart, and only acks without an offset", () => {
    const receipt = { partition: 0, offset: null, isPossibleDuplicate: false };
    const events = [event(0, { receipt }), event(1, { receipt: { ...receipt, offset: 3 } })];
    expect(judge(events, [], { brokerLies: true })).toMatchObject({
      bad: { ...GOOD, lost: 1 },
      residual: { liedAbout: 1 },
    });
    expect(judge(events, []).bad.lost).toBe(2);
  });
});

describe("the lines", () => {
  const line = (n: number, offset: number): FoundLine => ({
    partition: 0,
    offset,
    id: `k-${n}`,
    value: bodyOf(`k-${n}`),
  });
  const of = (...lines: (FoundLine | undefined)[]) => ({ name: "a", lines });
  const judgeAll = (logs: Parameters<typeof judgeLines>[1], killedAmongOthers = false) => {
    const { lines: _, faults, residual, ...bad } = judgeLines(found(0, 1, 2), logs, { killedAmongOthers });
    return { bad, residual, faults: faults.length };
  };
  const WELL = { missing: 0, duplicated: 0, outOfOrder: 0, damaged: 0, inTwoLogs: 0 };

  test("every record once, over all logs, is as promised", () => {
    const other = { name: "b", lines: [line(1, 1)] };
    expect(judgeAll([of(line(0, 0), line(2, 2)), other])).toEqual({
      bad: WELL,
      residual: { inTwoLogs: 0 },
      faults: 0,
    });
  });

  test("missing, twice, out of order, unreadable, of another value: each is found", () => {
    expect(judgeAll([of(line(0, 0), line(1, 1))]).bad).toEqual({ ...WELL, missing: 1 });
    expect(judgeAll([of(line(0, 0), line(1, 1), line(1, 1), line(2, 2))]).bad).toEqual({ ...WELL, duplicated: 1 });
    expect(judgeAll([of(line(0, 0), line(2, 2), line(1, 1))]).bad).toEqual({ ...WELL, outOfOrder: 1 });
    expect(judgeAll([of(line(0, 0), line(1, 1), undefined, line(2, 2))]).bad).toEqual({ ...WELL, damaged: 1 });
    expect(judgeAll([of(line(0, 0), line(1, 1), line(1, 2))]).bad).toEqual({ ...WELL, damaged: 1 });
  });

  test("a line in two logs is a fault, unless a consumer was killed among others", () => {
    const logs = [of(line(0, 0), line(1, 1), line(2, 2)), { name: "b", lines: [line(2, 2)] }];
    expect(judgeAll(logs).bad).toEqual({ ...WELL, inTwoLogs: 1 });
    expect(judgeAll(logs, true)).toMatchObject({ bad: WELL, residual: { inTwoLogs: 1 } });
  });
});

function run(over: Partial<SentEvent> = {}, problems: string[] = []): Run {
  const records = found(0);
  return {
    topic: judgeTopic(new Map([["k-0", event(0, over)]]), records, RULES),
    lines: judgeLines(records, [{ name: "a", lines: [{ ...records[0]! }] }], { killedAmongOthers: false }),
    answersPauseMs: 1200,
    linesPauseMs: 300,
    problems,
  };
}

test("runs are added up, and one fault or problem in any of them is one too many", () => {
  expect([run(), run({ told: "refused" }), run({}, ["serve ended with 1"])].map(isAsPromised)).toEqual([
    true,
    false,
    false,
  ]);
  const sum = sumOf([run(), run({ told: "refused" }), run({ told: "unknown", unknowns: 1 })]);
  expect(sum.topic).toMatchObject({ events: 3, acked: 1, refused: 1, unexpected: 1, residual: { unknownLanded: 1 } });
  expect(sum.lines.lines).toBe(3);
  expect(sum.answersPauseMs).toBe(1200);
});

test("the report replaces the rows of what was played, and leaves the others", () => {
  const page = "before\n<!-- chaos:begin x -->\n<!-- chaos:end -->\nafter\n";
  const [first, second] = SCENARIOS;
  const once = withResults(page, [{ name: second!.name, rounds: 1, runs: [run()] }]);
  const twice = withResults(once, [{ name: first!.name, rounds: 7, runs: [run(), run()] }]);
  const rows = twice.split("\n").filter((line) => line.startsWith("| "));
  // Two tables with a head, a rule and two rows each.
  expect(rows).toHaveLength(8);
  expect(rows[2]).toContain(first!.text);
  expect(rows[2]).toMatch(/\| 7 +\| 2 +\| 2 /);
  expect(rows[3]).toContain(second!.text);
  expect(rows[6]).toContain(first!.remark);
  expect(withResults(twice, [])).toBe(twice);
});

test("scenarios are chosen by name, and have names of their own", () => {
  expect(chosen(["outage,broker-kill", "log-file"]).map(({ name }) => name)).toEqual([
    "broker-kill",
    "outage",
    "log-file",
  ]);
  expect(chosen([])).toBe(SCENARIOS);
  expect(() => chosen(["outrage"])).toThrow("outrage");
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  expect(new Set(SCENARIOS.map(({ text }) => text)).size).toBe(SCENARIOS.length);
});

test("the error codes are those of rdkafka.h", async () => {
  const header = await Bun.file(
    new URL("../../node_modules/@confluentinc/kafka-javascript/deps/librdkafka/src/rdkafka.h", import.meta.url),
  ).text();
  const wrong = ERROR_CODES.filter(({ code, name }) => !header.includes(`RD_KAFKA_RESP_ERR_${name} = ${code},`));
  expect(wrong).toEqual([]);
  expect(new Set(ERROR_CODES.map(({ code }) => code)).size).toBe(ERROR_CODES.length);
});
