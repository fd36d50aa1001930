/** consume with a handler of one's own, as a real process on a real Kafka. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Admin, Producer, producerConfig } from "../../src/kafka/index.ts";
import { TestFolder, until } from "../consume/support.ts";
import { kafkaBrokers, newTopic } from "../support/cluster.ts";
import { CommandProcess, killLeftovers } from "../support/command.ts";
import { publishAll, quiet, readTopic, record, settings } from "../support/mock.ts";

const TYPES = join(import.meta.dir, "../../src/consume/handler.ts");
let brokers: string;
let producer: Producer;
beforeAll(async () => {
  brokers = await kafkaBrokers();
  producer = new Producer({ config: producerConfig(settings(brokers)), log: quiet });
}, 120_000);
afterEach(killLeftovers);
afterAll(() => producer.close(5000));

class HandlerFolder extends TestFolder {
  readonly logFile = this.file("consumer.log");
  readonly seen = this.file("seen.txt");

  /** `body` is that of the handler; `note(text)` keeps a line that survives the process. */
  handler(body: string): string {
    const path = this.file("handler.ts");
    writeFileSync(
      path,
      `import { appendFileSync, existsSync } from "node:fs";
       import type { Handler } from ${JSON.stringify(TYPES)};
       const note = (text: string) => appendFileSync(${JSON.stringify(this.seen)}, text + "\\n");
       const handle: Handler = async (records, signal) => { ${body} };
       export default handle;`,
    );
    return path;
  }

  start(topic: string, ...args: readonly string[]): CommandProcess {
    const common = ["--kafka-brokers", brokers, "--kafka-topic", topic, "--kafka-group", topic, "--workers", "2"];
    const handler = ["--handler", this.file("handler.ts"), "--handler-retries", "1", "--handler-backoff-ms", "10"];
    return new CommandProcess("consume", { args: [...common, ...handler, "--log-file", this.logFile, ...args] });
  }

  get notes(): string[] {
    return existsSync(this.seen) ? readFileSync(this.seen, "utf8").split("\n").slice(0, -1) : [];
  }

  get lines(): string[] {
    return existsSync(this.logFile) ? readFileSync(this.logFile, "utf8").split("\n").slice(0, -1) : [];
  }
}

const publish = (topic: string, from: number, to: number) =>
  publishAll(
    producer,
    Array.from({ length: to - from }, (_, i) =>
      record(topic, `{"n":${from + i}}`, {
        key: `k${i % 5}`,
        headers: [
          ["id", `e${from + i}`],
          ["trace", "x"],
        ],
      }),
    ),
  );
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);

test("every record is handed over with key, headers and value; lines and offsets follow; the next start hands over nothing again", async () => {
  const { topic } = await newTopic();
  using folder = new HandlerFolder();
  folder.handler(`for (const one of records) {
    const headers = Object.fromEntries(one.headers.map(([name, value]) => [name, new TextDecoder().decode(value!)]));
    note(JSON.stringify([(one.json() as { n: number }).n, new TextDecoder().decode(one.key!), headers, one.topic === ${JSON.stringify(topic)}]));
  }`);
  await publish(topic, 0, 500);
  const first = folder.start(topic);
  await until("all lines", () => folder.lines.length === 500, 30_000);
  first.signal("SIGTERM");
  expect(await first.ended()).toBe(0);
  const notes = folder.notes.map((note) => JSON.parse(note)).sort((a, b) => a[0] - b[0]);
  expect(notes).toEqual(Array.from({ length: 500 }, (_, n) => [n, `k${n % 5}`, { id: `e${n}`, trace: "x" }, true]));
  expect(first.stderr).toMatch(/"handled":500.*"msg":"finished"/);
  const second = folder.start(topic);
  await second.logged(/partitions assigned/);
  await publish(topic, 500, 501);
  await until("the new line", () => folder.lines.length === 501, 30_000);
  expect(folder.notes).toHaveLength(501);
}, 90_000);

test("a record that the handler cannot do with goes to the dead letters as it was, and consumption goes on", async () => {
  const { topic } = await newTopic();
  const deadLetters = `${topic}.dead`;
  using folder = new HandlerFolder();
  folder.handler(`
    if (records.some((one) => one.text() === '{"n":42}')) throw new TypeError("cannot do 42");
    for (const one of records) note(one.text());`);
  await publish(topic, 0, 100);
  const consume = folder.start(topic, "--workers", "1", "--dead-letter-topic", deadLetters);
  await until("all lines", () => folder.lines.length === 100, 40_000);
  await publish(topic, 100, 110);
  await until("what came later", () => folder.lines.length === 110, 30_000);
  consume.signal("SIGTERM");
  expect(await consume.ended()).toBe(0);
  expect(new Set(folder.notes)).toEqual(
    new Set(
      numbers(0, 110)
        .filter((n) => n !== "42")
        .map((n) => `{"n":${n}}`),
    ),
  );
  const names = [
    "id",
    "trace",
    "error_code",
    "error_detail",
    "error_attempts",
    "source_topic",
    "source_partition",
    "source_offset",
  ];
  const dead = readTopic(brokers, deadLetters, 2, { headers: names, timeoutMs: 8000 });
  expect(dead).toHaveLength(1);
  expect(Buffer.from(dead[0]!.value!).toString()).toBe('{"n":42}');
  expect(dead[0]).toMatchObject({
    key: "k2",
    headers: {
      id: "e42",
      trace: "x",
      error_code: "handler_failed",
      error_detail: "TypeError: cannot do 42",
      error_attempts: "2",
      source_topic: topic,
    },
  });
  expect(consume.stderr).not.toContain('{"n":42}');
}, 120_000);

test("a slow handler keeps its membership: nothing is reassigned, and each record is handled once", async () => {
  const { topic } = await newTopic(2);
  using folder = new HandlerFolder();
  folder.handler(
    `await new Promise((resolve) => setTimeout(resolve, 9000)); for (const one of records) note(one.text());`,
  );
  await publish(topic, 0, 10);
  // The least that librdkafka takes: as long as the session; without serving the group the member would be thrown out.
  const consume = folder.start(topic, "--workers", "1", "--kafka-config", "max.poll.interval.ms=6000");
  await until("all lines", () => folder.lines.length === 10, 60_000);
  expect(folder.notes.sort()).toEqual(
    numbers(0, 10)
      .map((n) => `{"n":${n}}`)
      .sort(),
  );
  expect(consume.stderr.split("partitions assigned")).toHaveLength(2);
  expect(consume.stderr).not.toContain("partitions lost");
}, 120_000);

test("kill -9 in the middle: every record is handled at least once, and every line is there once", async () => {
  const { topic } = await newTopic();
  using folder = new HandlerFolder();
  folder.handler(
    `for (const one of records) note(one.text()); await new Promise((resolve) => setTimeout(resolve, 50));`,
  );
  for (let round = 0; round < 3; round++) {
    await publish(topic, round * 200, round * 200 + 200);
    const consume = folder.start(topic);
    await until("some are handled", () => folder.notes.length > round * 200 + 20, 40_000);
    consume.signal("SIGKILL");
    await consume.ended();
  }
  folder.start(topic);
  await until("all lines", () => folder.lines.length >= 600, 40_000);
  expect(new Set(folder.notes)).toEqual(new Set(numbers(0, 600).map((n) => `{"n":${n}}`)));
  const offsets = folder.lines.map((line) => /^\{"partition":(\d+),"offset":(\d+)/.exec(line)![0]);
  expect(new Set(offsets).size).toBe(600);
}, 150_000);

test("a record that the dead-letter topic does not take for its size is there by its headers, and consumption goes on", async () => {
  const { topic } = await newTopic(1);
  const deadLetters = `${topic}.dead`;
  const admin = new Admin({ brokers, log: quiet });
  await admin.createTopic(
    { topic: deadLetters, partitions: 1, replication: 1, config: { "max.message.bytes": "1000" } },
    10_000,
  );
  await admin.close();
  using folder = new HandlerFolder();
  folder.handler(`if (records.some((one) => one.text().includes("large"))) throw new Error("too much");`);
  await publishAll(producer, [record(topic, "1"), record(topic, `"large ${"x".repeat(3000)}"`), record(topic, "3")]);
  const consume = folder.start(topic, "--dead-letter-topic", deadLetters);
  await until("all lines", () => folder.lines.length === 3, 40_000);
  const dead = readTopic(brokers, deadLetters, 1, { headers: ["error_detail", "error_omitted", "source_offset"] });
  expect(dead[0]).toMatchObject({ value: null, headers: { error_detail: "Error: too much", source_offset: "1" } });
  expect(dead[0]!.headers.error_omitted).toContain("size");
  consume.signal("SIGTERM");
  expect(await consume.ended()).toBe(0);
}, 90_000);

test("what a handler leaves behind: a rejection that nobody awaits, process.exit, an open timer; no worker is lost, and SIGTERM ends it", async () => {
  const { topic } = await newTopic(1);
  using folder = new HandlerFolder();
  folder.handler(`
    setInterval(() => {}, 1000);
    const mark = ${JSON.stringify(folder.file("mark"))};
    const isNew = (name: string) => !existsSync(mark + name) && (appendFileSync(mark + name, "x"), true);
    if (isNew("rejection")) { void Promise.reject(new Error("floating")); await new Promise((r) => setTimeout(r, 200)); }
    else if (isNew("timer")) { setTimeout(() => { throw new Error("in a timer"); }, 1); await new Promise((r) => setTimeout(r, 200)); }
    else if (isNew("exit")) process.exit(3);
    for (const one of records) note(one.text());`);
  await publish(topic, 0, 10);
  const consume = folder.start(topic, "--handler-retries", "5");
  await until("all lines", () => folder.lines.length === 10, 40_000);
  consume.signal("SIGTERM");
  const started = performance.now();
  expect(await consume.ended()).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
  for (const text of ["floating", "in a timer", "process.exit()"]) expect(consume.stderr).toContain(text);
  expect(consume.stderr).toMatch(/"handled":10,"handler_retries":3,"dead_lettered":0.*"msg":"finished"/);
  expect(consume.stderr).not.toContain("worker died");
}, 90_000);

test("SIGTERM while a call hangs: it is given up aloud, and the next start hands its records over again", async () => {
  const { topic } = await newTopic(1);
  using folder = new HandlerFolder();
  folder.handler(`note("called"); await new Promise(() => {});`);
  await publish(topic, 0, 10);
  const consume = folder.start(topic);
  await until("the call", () => folder.notes.length === 1, 30_000);
  consume.signal("SIGTERM");
  expect(await consume.ended()).toBe(0);
  expect(consume.stderr).toContain("the next start hands its records over again");
  expect(folder.lines).toEqual([]);
  const second = folder.start(topic, "--drain-timeout-ms", "2000");
  await until("the call again", () => folder.notes.length === 2, 30_000);
  second.signal("SIGTERM");
  const stoppedAt = performance.now();
  expect(await second.ended()).toBe(1);
  expect(performance.now() - stoppedAt).toBeLessThan(4000);
  folder.handler("for (const one of records) note(one.text());");
  folder.start(topic);
  await until("all lines", () => folder.lines.length === 10, 30_000);
  expect(folder.notes.slice(2).sort()).toEqual(
    numbers(0, 10)
      .map((n) => `{"n":${n}}`)
      .sort(),
  );
}, 90_000);

test.each([
  ["a file that is not there", undefined, "no such file"],
  ["a syntax error", "export default (", "cannot be loaded"],
  ["no default export", "export const handle = () => {};", "default export"],
  ["a throw at its import", "throw new Error('no database'); export default () => {};", "no database"],
  ["an end of the thread", "process.exit(3);", "ended its thread"],
])(
  "a handler that is none ends consume with exit 2 and a sentence: %s",
  async (_what, text, words) => {
    using folder = new HandlerFolder();
    if (text !== undefined) writeFileSync(folder.file("handler.ts"), text);
    const consume = folder.start("events");
    expect(await consume.ended()).toBe(2);
    expect(consume.stderr).toContain("--handler");
    expect(consume.stderr).toContain(words);
    expect(existsSync(folder.logFile)).toBe(false);
  },
  30_000,
);

test("dead letters that would come back as records are refused: exit 2", async () => {
  using folder = new HandlerFolder();
  folder.handler("");
  const consume = folder.start("events", "--dead-letter-topic", "events");
  expect(await consume.ended()).toBe(2);
  expect(consume.stderr).toContain("--dead-letter-topic");
}, 30_000);
