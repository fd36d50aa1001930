import { expect, test } from "bun:test";
import { ParameterReader } from "../../src/http/parameters.ts";

const reader = new ParameterReader("all");
const NONE = {
  key: null,
  timestampMs: undefined,
  headers: [],
  ack: "all",
  listsReceipts: false,
  isAtomic: false,
} as const;

// biome-ignore format: a table
test.each([
  ["", {}], ["?", {}], ["?&&", {}], ["?key=user%201+%C3%A9", { key: "user 1 é" }], ["?key=a%3Db=c", { key: "a=b=c" }], ["?k%65y=x", { key: "x" }],
  ["?timestamp=1700000000000", { timestampMs: 1_700_000_000_000 }], ["?timestamp=2026-11-22t20:00:00z", { timestampMs: Date.parse("2026-11-22T20:00:00Z") }],
  ["?ack=queued", { ack: "queued" }], ["?ack=all", {}], ["?header.a=1&header.B-2=", { headers: [["a", "1"], ["B-2", ""]] }],
] as const)("one event: %s", (query, expected) => {
  expect(reader.read(`http://h/p${query}`, "one")).toEqual({ ...NONE, ...expected } as never);
});

// biome-ignore format: a table
test.each([
  ["?kye=1", "kye", "key, timestamp"], ["?key=", "key", "empty"], ["?key", "key", "empty"], ["?key=a&key=b", "key", "once"], ["?key=%ff", "key", "UTF-8"], ["?%ff=1", "%ff", "not taken"],
  ["?results=all", "results", "not taken"], ["?ack=none", "ack", "queued or filed"], ["?timestamp=-1", "timestamp", "1970"], ["?timestamp=0", "timestamp", "1970"], ["?timestamp=soon", "timestamp", "RFC 3339"],
  ["?timestamp=1969-12-31T23:59:59Z", "timestamp", "1970"], ["?header.=1", "header.", "letters"], ["?header.id=1", "header.id", "cannot be set"], ["?header.CE_x=1", "header.CE_x", "cannot be set"],
  ["?header.a=1&header.a=2", "header.a", "once"], ["?header.a=%zz", "header.a", "UTF-8"], ["?__proto__=1", "__proto__", "not taken"], ["?constructor=1", "constructor", "not taken"],
] as const)("one event: %s is refused", (query, parameter, detail) => {
  expect(reader.read(`http://h/p${query}`, "one")).toEqual({ parameter, detail: expect.stringContaining(detail) });
});

test("record headers are counted", () => {
  const query = (count: number) => `?${Array.from({ length: count }, (_, i) => `header.h${i}=x`).join("&")}`;
  expect(reader.read(`http://h/p${query(32)}`, "one")).toHaveProperty("headers.length", 32);
  expect(reader.read(`http://h/p${query(33)}`, "one")).toMatchObject({ parameter: "header.h32" });
});

test("a batch takes its own", () => {
  expect(reader.read("http://h/p?results=all&atomic=true&ack=queued", "many")).toEqual({
    ...NONE,
    ack: "queued",
    listsReceipts: true,
    isAtomic: true,
  });
  expect(reader.read("http://h/p?results=refused&atomic=false", "many")).toEqual(NONE);
  for (const [query, parameter] of [
    ["key=a", "key"],
    ["header.a=1", "header.a"],
    ["atomic=1", "atomic"],
    ["results=none", "results"],
  ] as const)
    expect(reader.read(`http://h/p?${query}`, "many")).toMatchObject({ parameter });
});

test("the server's own default", () => {
  expect(new ParameterReader("queued").read("http://h/p", "one")).toEqual({ ...NONE, ack: "queued" });
});
