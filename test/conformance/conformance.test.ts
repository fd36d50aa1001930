/** The tables of this folder, against real serve processes and a real Kafka; records are read back and compared byte for byte. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Admin } from "../../src/kafka/index.ts";
import { REASONS } from "../../src/outcome.ts";
import { kafkaBrokers } from "../support/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { quiet, type ReadRecord, readTopic } from "../support/mock.ts";
import { batchRows } from "./batch.rows.ts";
import { cloudEventRows } from "./cloudevents.rows.ts";
import { encodingRows } from "./encoding.rows.ts";
import { parameterRows } from "./parameters.rows.ts";
import { routeRows } from "./routes.rows.ts";
import type { ExpectedProblem, ExpectedRecord, Row } from "./row.ts";
import { singleRows } from "./single.rows.ts";

const TABLES = { singleRows, parameterRows, batchRows, cloudEventRows, encodingRows, routeRows };
const MAX_RECORD = 12_000_000;
const SERVERS: Readonly<Record<NonNullable<Row["server"]>, readonly string[]>> = {
  main: [],
  // biome-ignore format: one line a server
  small: ["--max-event-bytes", "500", "--max-batch-events", "5", "--max-batch-bytes", "4000"],
  keyed: ["--key-member", "user_id"],
  big: ["--max-event-bytes", "11000000"],
};

interface Receipt {
  readonly id: string;
  readonly status: string;
  readonly topic: string;
  readonly partition?: number;
  readonly offset?: number;
}

/** What a row's answer says must be in Kafka, to be held against the topic once all rows are done. */
interface Due {
  readonly row: string;
  readonly record: ExpectedRecord;
  readonly receipt: Receipt | undefined;
}

const topic = `conformance-${crypto.randomUUID()}`;
const other = `${topic}-other`;
const due: Due[] = [];
const urls = new Map<string, string>();
let brokers: string;

beforeAll(async () => {
  brokers = await kafkaBrokers();
  const admin = new Admin({ brokers, log: quiet });
  const config = { "max.message.bytes": String(MAX_RECORD) };
  for (const name of [topic, other])
    await admin.createTopic({ topic: name, partitions: 2, replication: -1, config }, 15_000);
  await admin.close();
  const common = ["--kafka-brokers", brokers, "--kafka-topic", topic, "--topics", other, "--port", "0"];
  await Promise.all(
    Object.entries(SERVERS).map(async ([name, args]) => {
      const serve = new CommandProcess("serve", { args: [...common, ...args] });
      urls.set(name, await urlOf(serve));
      await serve.logged(/Kafka is reachable/);
    }),
  );
}, 120_000);
afterAll(killLeftovers);

test("there are at least 150 rows, each with a name of its own", () => {
  const names = Object.entries(TABLES).flatMap(([table, rows]) => rows.map(({ name }) => `${table}: ${name}`));
  expect(names.length).toBeGreaterThanOrEqual(150);
  expect(new Set(names).size).toBe(names.length);
});

for (const [table, rows] of Object.entries(TABLES)) {
  describe(table, () => {
    for (const row of rows) test(row.name, () => check(row, `${table}: ${row.name}`), 30_000);
  });
}

async function check(row: Row, name: string): Promise<void> {
  const url = urls.get(row.server ?? "main")! + row.path.replace("OTHER", other);
  const { method = "POST", headers = {}, body } = row;
  const response = await fetch(url, { method, headers, redirect: "manual", ...(body !== undefined && { body }) });
  const text = await response.text();
  const expected = row.expect;
  if ("problem" in expected) {
    expect([response.status, text]).toEqual([REASONS[expected.problem.code].status, text]);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    for (const [header, value] of Object.entries(expected.headers ?? {}))
      expect(response.headers.get(header)).toBe(value);
    if (method !== "HEAD") expectProblem(JSON.parse(text), expected.problem);
  } else if ("record" in expected) {
    expect([response.status, text]).toEqual([202, text]);
    const receipt: Receipt = JSON.parse(text);
    expect(receipt.status).toBe(expected.status ?? "acked");
    if (expected.record.id !== undefined) expect(receipt.id).toBe(expected.record.id);
    due.push({ row: name, record: expected.record, receipt });
  } else {
    expect([response.status, text]).toEqual([expected.answers, text]);
    expectBatch(JSON.parse(text), expected, name);
  }
}

function expectProblem(found: Record<string, unknown>, { code, limit, detail, ...places }: ExpectedProblem): void {
  expect(found).toMatchObject({ code, retry: REASONS[code].retry, ...places });
  expect(found.detail).toBeString();
  if (detail !== undefined) expect(found.detail).toContain(detail);
  if (limit !== undefined) expect(found.limit).toMatchObject({ name: limit, max: expect.any(Number) });
}

interface BatchAnswer {
  readonly accepted: number;
  readonly refused: number;
  readonly unknown: number;
  readonly problems: readonly (Record<string, unknown> & { readonly index: number })[];
  readonly receipts?: readonly (Receipt & { readonly index: number })[];
}

function expectBatch(answer: BatchAnswer, expected: Extract<Row["expect"], { answers: number }>, name: string): void {
  const wrong = Object.entries(expected.problems);
  expect(answer).toMatchObject({ accepted: expected.records.length, refused: wrong.length, unknown: 0 });
  expect(answer.problems.map(({ index }) => String(index))).toEqual(wrong.map(([index]) => index));
  wrong.forEach(([, problem], i) => {
    expectProblem(answer.problems[i]!, problem);
  });
  if (answer.receipts) expect(answer.receipts).toHaveLength(expected.records.length);
  due.push(...expected.records.map((record, i) => ({ row: name, record, receipt: answer.receipts?.[i] })));
}

test("what was taken is in Kafka, byte for byte, once; and nothing else is", () => {
  const names = new Set(["id", "received_at_ms", ...due.flatMap(({ record }) => Object.keys(record.headers ?? {}))]);
  for (const count of ["traceparent", "tracestate", "content-type", "ce_id"]) names.add(count);
  const read = (from: string, count: number) =>
    readTopic(brokers, from, count, { headers: [...names], maxBytes: MAX_RECORD });
  const ofOther = due.filter(({ record }) => record.topic === "other").length;
  const records = [...read(topic, due.length - ofOther), ...read(other, ofOther)];
  expect(records).toHaveLength(due.length);
  for (const { row, record, receipt } of due) {
    const found = records.filter((candidate) => matches(candidate, record, receipt));
    expect([row, found.length]).toEqual([row, 1]);
    expectRecord(found[0]!, record, row);
  }
}, 60_000);

function matches(found: ReadRecord, record: ExpectedRecord, receipt: Receipt | undefined): boolean {
  if (receipt?.offset !== undefined)
    return found.partition === receipt.partition && found.offset === receipt.offset && found.headers.id === receipt.id;
  return found.headers.id === record.id;
}

function expectRecord(found: ReadRecord, record: ExpectedRecord, row: string): void {
  const { id, received_at_ms, ...headers } = found.headers;
  expect([row, headers]).toEqual([row, record.headers ?? {}]);
  expect(id).toBeString();
  expect(Number(received_at_ms)).toBeGreaterThan(Date.now() - 600_000);
  expect([row, found.key]).toEqual([row, record.key ?? null]);
  if (record.timestampMs !== undefined) expect([row, found.timestampMs]).toEqual([row, record.timestampMs]);
  const value = record.value === null ? null : Buffer.from(record.value as string).toString("hex");
  expect([row, found.value === null ? null : Buffer.from(found.value).toString("hex")]).toEqual([row, value]);
}
