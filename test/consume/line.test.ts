import { expect, test } from "bun:test";
import { LineMaker } from "../../src/consume/line.ts";
import { readLineHead } from "../../src/consume/line-head.ts";
import type { Lines } from "../../src/consume/worker-messages.ts";
import { isJson, MAX_JSON_DEPTH } from "../../src/json/index.ts";
import { bytesOf, type FakeRecord, FakeRecords, textOf } from "./support.ts";

function make(records: readonly FakeRecord[], targetBytes = 64 * 1024, topic = "events"): Lines[] {
  const made: Lines[] = [];
  new LineMaker(topic, targetBytes, (lines) => made.push(lines)).add(new FakeRecords(records));
  return made;
}

const lineFor = (record: FakeRecord) =>
  make([record])
    .map(({ bytes }) => textOf(bytes))
    .join("");
const HEAD = '{"partition":0,"offset":0,"timestamp":1766000000000,"topic":"events"';
const bytes = (...values: number[]) => Uint8Array.from(values);

test("a line has its members in their order, and the value's own bytes", () => {
  const value = '{"n":12345678901234567890, "a":1e400,"a":1,"2":0,"1":0}';
  expect(lineFor({ partition: 3, offset: 42, timestampMs: 1_766_000_000_123, id: "0198-a", key: "k", value })).toBe(
    `{"partition":3,"offset":42,"timestamp":1766000000123,"topic":"events","id":"0198-a","key":"k","value":${value}}\n`,
  );
});

// biome-ignore format: a table
const TABLE: readonly (readonly [what: string, record: Omit<FakeRecord, "offset">, tail: string])[] = [
  ["no id, no key, a tombstone", { value: null }, ',"id":null,"key":null,"value":null}\n'],
  ["empty id and key", { id: "", key: "", value: "1" }, ',"id":"","key":"","value":1}\n'],
  ["an empty value is not JSON", { value: "" }, ',"id":null,"key":null,"value_base64":""}\n'],
  ["id and key that need escapes", { id: '"\\\u0001\n', key: "a\tb\u007f", value: "{}" }, ',"id":"\\"\\\\\\u0001\\n","key":"a\\tb\u007f","value":{}}\n'],
  ["id and key beyond ASCII", { id: "é\u2028", key: "𝄞", value: "{}" }, ',"id":"é\u2028","key":"𝄞","value":{}}\n'],
  ["a key that is not UTF-8", { id: "i", key: bytes(0x61, 0xff), value: "[]" }, ',"id":"i","key_base64":"Yf8=","value":[]}\n'],
  ["an id that is not UTF-8", { id: bytes(0x80), key: bytes(0xc3), value: "[]" }, ',"id_base64":"gA==","key_base64":"ww==","value":[]}\n'],
  ["raw line breaks become spaces", { value: '\r\n{\n"a":\r\n"\\n"}\n' }, ',"id":null,"key":null,"value":  { "a":  "\\n"} }\n'],
  ["text is not JSON, and keeps its line breaks", { value: "\na\nb" }, ',"id":null,"key":null,"value_base64":"CmEKYg=="}\n'],
  ["a byte order mark", { value: "\ufeff1" }, ',"id":null,"key":null,"value_base64":"77u/MQ=="}\n'],
  ["JSON in another encoding", { value: bytes(0x22, 0xe9, 0x22) }, ',"id":null,"key":null,"value_base64":"Iuki"}\n'],
  ["any JSON value", { value: ' "text" ' }, ',"id":null,"key":null,"value": "text" }\n'],
];
test.each(TABLE)("%s", (_what, record, tail) => {
  const line = lineFor({ ...record, offset: 0 });
  expect(line).toBe(HEAD + tail);
  expect(() => JSON.parse(line)).not.toThrow();
});

test.each([
  0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 9_999_999, 10_000_000, 99_999_999,
  100_000_000,
])("numbers around %d", (n) => {
  for (const offset of [n, n + 1, n * 1_000_000_000, n * 10_000_000 + 7])
    expect(lineFor({ offset, value: "1" })).toContain(`"offset":${offset},`);
});

test("numbers at their ends", () => {
  expect(
    lineFor({ partition: 2_147_483_647, offset: Number.MAX_SAFE_INTEGER, timestampMs: -1, value: "1" }),
  ).toStartWith('{"partition":2147483647,"offset":9007199254740991,"timestamp":-1,');
});

test("runs say which lines lie where", () => {
  const at = (partition: number, offset: number): FakeRecord => ({ partition, offset, value: `[${offset}]` });
  const [lines, ...more] = make([at(1, 5), at(1, 6), at(1, 9), at(0, 7), at(1, 10), at(1, 10)]);
  expect(more).toBeEmpty();
  expect(
    lines!.runs.map(({ partition, firstOffset, lastOffset, lines }) => [partition, firstOffset, lastOffset, lines]),
  ).toEqual([
    [1, 5, 9, 3],
    [0, 7, 7, 1],
    [1, 10, 10, 1],
    [1, 10, 10, 1],
  ]);
  checkRuns(lines!);
});

test("many records fill many buffers, each with room for its last line, and nothing is lost between them", () => {
  const records: FakeRecord[] = Array.from({ length: 3000 }, (_, i) => ({
    partition: i % 7 < 4 ? 0 : 1,
    offset: i,
    id: i % 3 === 0 ? '"\n'.repeat(i % 11) : `id-${i}`,
    key: i % 5 === 0 ? bytes(...Array.from({ length: i % 90 }, () => 0xff)) : `k${i}`,
    value:
      i % 13 === 0
        ? bytes(...Array.from({ length: i % 500 }, () => 0xfe))
        : JSON.stringify({ i, text: "x".repeat(i % 97) }),
  }));
  const made = make(records, 8192);
  expect(made.length).toBeGreaterThan(50);
  const parsed = made.flatMap(({ bytes }) =>
    textOf(bytes)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
  expect(parsed.map(({ offset }) => offset)).toEqual(records.map(({ offset }) => offset));
  parsed.forEach((line, i) => {
    const { id, key, value } = records[i]!;
    expect(line.id).toBe(id as string);
    if (typeof key === "string") expect(line.key).toBe(key);
    else if (key!.length > 0) expect(line.key_base64).toBe(Buffer.from(key!).toString("base64"));
    if (typeof value === "string") expect(line.value).toEqual(JSON.parse(value));
    else expect(line.value_base64).toBe(Buffer.from(value!).toString("base64"));
  });
  made.forEach(checkRuns);
  expect(new Set(made.map(({ bytes }) => bytes.buffer)).size).toBe(made.length);
});

test("one huge record gets a buffer of its own size", () => {
  const huge = JSON.stringify("x".repeat(5_000_000));
  const made = make(
    [
      { offset: 0, value: "1" },
      { offset: 1, value: huge },
      { offset: 2, value: bytesOf(huge.slice(1)) },
      { offset: 3, value: "2" },
    ],
    4096,
  );
  const lines = made.flatMap(({ bytes }) => textOf(bytes).trimEnd().split("\n"));
  expect(lines).toHaveLength(4);
  expect(lines[1]).toEndWith(`"value":${huge}}`);
  expect(lines[2]).toEndWith(`"value_base64":"${Buffer.from(huge.slice(1)).toString("base64")}"}`);
  made.forEach(checkRuns);
});

test("no records, no buffer", () => {
  expect(make([])).toBeEmpty();
});

function checkRuns({ bytes, runs }: Lines): void {
  let at = 0;
  const head = { partition: 0, offset: 0 };
  for (const run of runs) {
    expect(run.start).toBe(at);
    const offsets: number[] = [];
    while (at < run.end) {
      expect(readLineHead(bytes, at, run.end, head)).toBe(true);
      expect(head.partition).toBe(run.partition);
      offsets.push(head.offset);
      at = bytes.indexOf(10, at) + 1;
    }
    expect(at).toBe(run.end);
    expect([offsets[0]!, offsets.at(-1)!, offsets.length]).toEqual([run.firstOffset, run.lastOffset, run.lines]);
  }
  expect(at).toBe(bytes.length);
}

test("a timestamp beyond 2^53, as another producer may write it, is written whole", () => {
  const made: string[] = [];
  const maker = new LineMaker("t", 1000, (lines) => made.push(textOf(lines.bytes)));
  const timestamps = [2n ** 53n + 2n, -(2n ** 60n), 2n ** 63n - 1n];
  const records = timestamps.map((timestamp, offset) => ({
    offset,
    timestampMs: timestamp as unknown as number,
    value: "1",
  }));
  maker.add(new FakeRecords(records));
  expect(Array.from(made.join("").matchAll(/"timestamp":-?\d+/g), String)).toEqual(
    timestamps.map((timestamp) => `"timestamp":${timestamp}`),
  );
});

test("a value nested as deep as JSON is taken makes a line that is JSON", () => {
  for (const depth of [MAX_JSON_DEPTH - 1, MAX_JSON_DEPTH]) {
    let made: Uint8Array = new Uint8Array(0);
    const maker = new LineMaker("t", 1000, ({ bytes }) => {
      made = bytes;
    });
    maker.add(new FakeRecords([{ offset: 0, value: "[".repeat(depth) + "]".repeat(depth) }]));
    expect(isJson(made, 0, made.length)).toBe(true);
  }
});
