/** Batches: arrays and lines. */

import type { ExpectedProblem, ExpectedRecord } from "./row.ts";
import { JSON_TYPE, LINES_TYPE, MANY, type Row, refuses } from "./row.ts";

interface Answer {
  readonly answers?: number;
  readonly records?: readonly ExpectedRecord[];
  readonly problems?: Readonly<Record<number, ExpectedProblem>>;
}

const answer = (name: string, more: Partial<Row>, { answers = 202, records = [], problems = {} }: Answer): Row => ({
  name,
  path: MANY,
  expect: { answers, records, problems },
  ...more,
});
const array = (name: string, body: string, expected: Answer, more: Partial<Row> = {}) =>
  answer(name, { headers: JSON_TYPE, body, ...more }, expected);
const lines = (name: string, body: string, expected: Answer, more: Partial<Row> = {}) =>
  answer(name, { headers: LINES_TYPE, body, ...more }, expected);
const all = (values: readonly string[]): readonly ExpectedRecord[] =>
  values.map((value) => ({ value, id: JSON.parse(value).id }));
const BAD = { code: "invalid_event", pointer: "/id" } as const;
const refusesMany = (name: string, body: string, problem: ExpectedProblem, more: Partial<Row> = {}) =>
  refuses(name, body, problem, { path: MANY, ...more });

// biome-ignore format: a table
export const batchRows: readonly Row[] = [
  array("an array", '[{"id":"a-1"},{"id":"a-2","n":12345678901234567890}]', { records: all(['{"id":"a-1"}', '{"id":"a-2","n":12345678901234567890}']) }),
  array("an array with white space everywhere", ' [ \n{ "id" : "a-3" }\t,\r\n{"id":"a-4"} ] ', { records: all(['{ "id" : "a-3" }', '{"id":"a-4"}']) }),
  array("elements with brackets and quotes in text", '[{"id":"a-5","s":"],[\\"}{"}]', { records: all(['{"id":"a-5","s":"],[\\"}{"}']) }),
  array("duplicate members and escapes in elements", '[{"id":"a-6","a":1,"a":"\\u00e9"}]', { records: all(['{"id":"a-6","a":1,"a":"\\u00e9"}']) }),
  array("one bad among good", '[{"id":"a-7"},{"id":8},{"id":"a-9"}]', { answers: 207, records: all(['{"id":"a-7"}', '{"id":"a-9"}']), problems: { 1: BAD } }),
  array("elements that are no objects", '[1,null,"x",[],{"id":"a-10"}]', { answers: 207, records: all(['{"id":"a-10"}']), problems: Object.fromEntries([0, 1, 2, 3].map((i) => [i, { code: "invalid_event", pointer: "" }])) }),
  array("all bad in one way", '[{"id":1},{"id":2}]', { answers: 422, problems: { 0: BAD, 1: BAD } }),
  array("receipts on demand", '[{"id":"a-11"},{"id":12}]', { answers: 207, records: all(['{"id":"a-11"}']), problems: { 1: BAD } }, { path: `${MANY}?results=all` }),
  array("events without ids get receipts with ids", '[{"x":1},{"x":2}]', { records: [{ value: '{"x":1}' }, { value: '{"x":2}' }] }, { path: `${MANY}?results=all` }),
  array("queued", '[{"id":"a-q1"},{"id":"a-q2"}]', { records: all(['{"id":"a-q1"}', '{"id":"a-q2"}']) }, { path: `${MANY}?ack=queued` }),
  array("atomic, all valid", '[{"id":"a-13"},{"id":"a-14"}]', { records: all(['{"id":"a-13"}', '{"id":"a-14"}']) }, { path: `${MANY}?atomic=true` }),
  array("atomic, one invalid", '[{"id":"a-15"},{"id":16}]', { answers: 422, problems: { 0: { code: "batch_refused" }, 1: BAD } }, { path: `${MANY}?atomic=true` }),
  array("atomic=false, one invalid", '[{"id":"a-17"},{"id":18}]', { answers: 207, records: all(['{"id":"a-17"}']), problems: { 1: BAD } }, { path: `${MANY}?atomic=false` }),
  array("an event over the limit among others", `[{"id":"a-19"},{"id":"a-20","x":"${"x".repeat(600)}"}]`, { answers: 207, records: all(['{"id":"a-19"}']), problems: { 1: { code: "event_too_large", limit: "max_event_bytes" } } }, { server: "small" }),
  array("all over the limit", `[{"x":"${"x".repeat(600)}"},{"x":"${"x".repeat(601)}"}]`, { answers: 413, problems: { 0: { code: "event_too_large" }, 1: { code: "event_too_large" } } }, { server: "small" }),
  array("refused for different reasons", `[{"id":1},{"x":"${"x".repeat(600)}"}]`, { answers: 422, problems: { 0: BAD, 1: { code: "event_too_large" } } }, { server: "small" }),
  array("keys from the key member", '[{"id":"a-21","user_id":"k1"},{"id":"a-22"},{"id":"a-23","user_id":"k3"}]', { records: [{ id: "a-21", value: '{"id":"a-21","user_id":"k1"}', key: "k1" }, { id: "a-22", value: '{"id":"a-22"}' }, { id: "a-23", value: '{"id":"a-23","user_id":"k3"}', key: "k3" }] }, { server: "keyed" }),
  array("a thousand", JSON.stringify(Array.from({ length: 1000 }, (_, i) => ({ id: `k-${i}` }))), { records: all(Array.from({ length: 1000 }, (_, i) => `{"id":"k-${i}"}`)) }),
  array("for a topic", '[{"id":"t-1"}]', { records: [{ id: "t-1", value: '{"id":"t-1"}', topic: "other" }] }, { path: "/topics/OTHER/events" }),
  lines("lines for a topic", '{"id":"t-2"}\n', { records: [{ id: "t-2", value: '{"id":"t-2"}', topic: "other" }] }, { path: "/topics/OTHER/events" }),

  lines("lines", '{"id":"l-1"}\n{"id":"l-2"}\n', { records: all(['{"id":"l-1"}', '{"id":"l-2"}']) }),
  lines("no last line break", '{"id":"l-3"}\n{"id":"l-4"}', { records: all(['{"id":"l-3"}', '{"id":"l-4"}']) }),
  lines("CRLF", '{"id":"l-5"}\r\n{"id":"l-6"}\r\n', { records: all(['{"id":"l-5"}', '{"id":"l-6"}']) }),
  lines("blank lines", '\n\r\n{"id":"l-7"}\n \t\n\n{"id":"l-8"}\n\n', { records: all(['{"id":"l-7"}', '{"id":"l-8"}']) }),
  lines("application/jsonl", '{"id":"l-9"}\n', { records: all(['{"id":"l-9"}']) }, { headers: { "content-type": "application/jsonl" } }),
  lines("white space within lines", '  {"id": "l-10"}\t\n', { records: [{ id: "l-10", value: '  {"id": "l-10"}\t' }] }),
  lines("U+2028 is no line break", '{"id":"l-11","s":"\u2028"}\n', { records: [{ id: "l-11", value: '{"id":"l-11","s":"\u2028"}' }] }),
  lines("one bad line among good", '{"id":"l-12"}\n{"id":\n{"id":"l-13"}\n', { answers: 207, records: all(['{"id":"l-12"}', '{"id":"l-13"}']), problems: { 1: { code: "invalid_json", detail: "the line" } } }),
  lines("a byte order mark spoils the first line alone", '\ufeff{"id":"l-14"}\n{"id":"l-15"}', { answers: 207, records: all(['{"id":"l-15"}']), problems: { 0: { code: "invalid_json" } } }),
  lines("an object over two lines is two bad lines", '{"id":\n"l-16"}', { answers: 400, problems: { 0: { code: "invalid_json" }, 1: { code: "invalid_json" } } }),
  lines("an array in a line is no event", "[{}]", { answers: 422, problems: { 0: { code: "invalid_event", pointer: "" } } }),
  lines("CR alone ends no line", '{"id":"l-17"}\r{"id":"l-18"}', { answers: 400, problems: { 0: { code: "invalid_json" } } }),
  lines("bad in different ways", '{"id":1}\n{', { answers: 422, problems: { 0: BAD, 1: { code: "invalid_json" } } }),
  lines("one 10 MB line among others", `{"id":"l-19"}\n{"x":"${"x".repeat(10_000_000)}"}\n{"id":"l-20"}`, { answers: 207, records: all(['{"id":"l-19"}', '{"id":"l-20"}']), problems: { 1: { code: "event_too_large", limit: "max_event_bytes" } } }),

  refusesMany("an empty array", "[]", { code: "empty_batch" }),
  refusesMany("no line", "\n \n", { code: "empty_batch" }, { headers: LINES_TYPE }),
  refusesMany("an empty body", "", { code: "invalid_json" }),
  refusesMany("an empty body of lines", "", { code: "empty_batch" }, { headers: LINES_TYPE }),
  refusesMany("an object", "{}", { code: "invalid_event", pointer: "" }),
  refusesMany("a trailing comma", "[{},]", { code: "invalid_json" }),
  refusesMany("an array cut short", "[{}", { code: "invalid_json", detail: "too early" }),
  refusesMany("something behind the array", "[{}]x", { code: "invalid_json" }),
  refusesMany("a byte order mark before an array", "\ufeff[{}]", { code: "invalid_json" }),
  refusesMany("too many events", "[{},{},{},{},{},{}]", { code: "batch_too_large", limit: "max_batch_events" }, { server: "small" }),
  refusesMany("too many lines", "{}\n{}\n{}\n{}\n{}\n{}\n", { code: "batch_too_large", limit: "max_batch_events" }, { server: "small", headers: LINES_TYPE }),
  refusesMany("too many bytes", `[{"x":"${"x".repeat(5000)}"}]`, { code: "batch_too_large", limit: "max_batch_bytes" }, { server: "small" }),
  refusesMany("text/plain", "{}", { code: "unsupported_media_type" }, { headers: { "content-type": "text/plain" } }),
  refusesMany("a topic that is not listed", "[{}]", { code: "unknown_topic" }, { path: "/topics/nobody/events" }),
  refusesMany("a topic that is none", "[{}]", { code: "unknown_topic" }, { path: "/topics/..%2Fx/events" }),
];
