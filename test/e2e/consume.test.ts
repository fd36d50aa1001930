/** The consumer as its user meets it: processes with flags, signals and exit codes, on a real Kafka. */
import { afterEach, expect, test } from "bun:test";
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { readCheckpoint } from "../../src/consume/checkpoint.ts";
import { Admin, ensureTopic, Producer, producerConfig } from "../../src/kafka/index.ts";
import { consumeOptions } from "../../src/options/consume.ts";
import { environmentName } from "../../src/options/core.ts";
import { type LogLine, TestFolder, until } from "../consume/support.ts";
import { kafkaBrokers, newTopic } from "../support/cluster.ts";
import { publishAll, quiet, record, settings } from "../support/mock.ts";

const PROJECT = join(import.meta.dir, "../..");
const ENVIRONMENT = { ...process.env };
for (const { flag } of Object.values(consumeOptions)) delete ENVIRONMENT[environmentName(flag)];

const running = new Set<ConsumeProcess>();
afterEach(async () => {
  for (const consume of running) await consume.end("SIGKILL");
});

class ConsumeProcess {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #read: Promise<void>;
  #stderr = "";

  constructor(...flags: readonly string[]) {
    this.#process = Bun.spawn([process.execPath, "src/consume.ts", ...flags], {
      cwd: PROJECT,
      env: ENVIRONMENT,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#read = this.#keepStderr();
    running.add(this);
  }

  async #keepStderr(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) this.#stderr += decoder.decode(chunk, { stream: true });
  }

  get stderr(): string {
    return this.#stderr;
  }

  get log(): LogLine[] {
    return this.#stderr
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as LogLine);
  }

  said(message: string): boolean {
    return this.log.some(({ msg }) => msg === message);
  }

  /** The workers that have partitions. */
  get assigned(): Set<unknown> {
    return new Set(this.log.filter(({ msg }) => msg === "partitions assigned").map(({ worker }) => worker));
  }

  /** The exit code; 128 + n after signal n. */
  async end(signal?: NodeJS.Signals): Promise<number> {
    if (signal) this.#process.kill(signal);
    const code = await this.#process.exited;
    await this.#read;
    running.delete(this);
    return code;
  }
}

/** Publishes records with values and ids of their own, and returns their ids. */
async function publish(brokers: string, topic: string, count: number): Promise<Set<string>> {
  const producer = new Producer({
    config: producerConfig(settings(brokers, { deliveryTimeoutMs: 60_000 })),
    log: quiet,
  });
  const ids = new Set<string>();
  try {
    while (ids.size < count) {
      const batch = Array.from({ length: Math.min(50_000, count - ids.size) }, () => {
        const id = Bun.randomUUIDv7();
        ids.add(id);
        return record(topic, `{"id":"${id}",\n"text":"${"x".repeat(ids.size % 120)}"}`, { headers: [["id", id]] });
      });
      const outcomes = await publishAll(producer, batch);
      expect(outcomes.every(({ status }) => status === "acked")).toBe(true);
    }
  } finally {
    await producer.close(5000);
  }
  return ids;
}

const sizeOf = (path: string) => (existsSync(path) ? statSync(path).size : 0);

/** Counts the lines of a growing file, reading only what is new. */
class LineCounter {
  readonly #path: string;
  #position = 0;
  #lines = 0;

  constructor(path: string) {
    this.#path = path;
  }

  count(): number {
    if (sizeOf(this.#path) === this.#position) return this.#lines;
    const fd = openSync(this.#path, "r");
    const bytes = new Uint8Array(1024 * 1024);
    for (let read = 1; read > 0; this.#position += read) {
      read = readSync(fd, bytes, 0, bytes.length, this.#position);
      for (let at = bytes.indexOf(10); at >= 0 && at < read; at = bytes.indexOf(10, at + 1)) this.#lines++;
    }
    closeSync(fd);
    return this.#lines;
  }
}

interface Line {
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly value: { readonly id: string };
}

/** Every id once, every partition's offsets from 0 on without a gap and in order; the checkpoint and the group say the same. */
async function expectEverythingOnce(
  brokers: string,
  topic: string,
  group: string,
  logFile: string,
  ids: ReadonlySet<string>,
): Promise<void> {
  const next = new Map<number, number>();
  const seen = new Set<string>();
  const text = readFileSync(logFile, "utf8");
  expect(text).toEndWith("\n");
  for (const line of text.trimEnd().split("\n")) {
    const { partition, offset, id, value } = JSON.parse(line) as Line;
    if (offset !== (next.get(partition) ?? 0))
      throw new Error(`partition ${partition}: offset ${offset} where ${next.get(partition)} was due`);
    if (id !== value.id || seen.has(id) || !ids.has(id)) throw new Error(`not an id that is due: ${line}`);
    next.set(partition, offset + 1);
    seen.add(id);
  }
  expect(seen.size).toBe(ids.size);
  const checkpoint = readCheckpoint(logFile);
  expect(checkpoint).toMatchObject({ identity: { topic }, validBytes: sizeOf(logFile) });
  const admin = new Admin({ brokers, group, log: quiet });
  try {
    expect(await admin.groupOffsets(topic, [...next.keys()], 10_000)).toEqual(next);
  } finally {
    await admin.close();
  }
}

function start(brokers: string, topic: string, logFile: string, ...flags: readonly string[]): ConsumeProcess {
  return new ConsumeProcess(
    "--kafka-brokers",
    brokers,
    "--kafka-topic",
    topic,
    "--kafka-group",
    `g-${topic}`,
    "--log-file",
    logFile,
    ...flags,
  );
}

test("two workers write everything once; SIGTERM commits it all and exits 0; the next start writes nothing again", async () => {
  using folder = new TestFolder();
  const logFile = folder.file("consumer.log");
  const { brokers, topic } = await newTopic(4);
  const ids = await publish(brokers, topic, 20_000);
  const first = start(brokers, topic, logFile, "--workers", "2");
  const lines = new LineCounter(logFile);
  await until("all lines written", () => lines.count() >= ids.size, 30_000);
  expect(await first.end("SIGTERM")).toBe(0);
  await expectEverythingOnce(brokers, topic, `g-${topic}`, logFile, ids);
  expect(first.log.find(({ msg }) => msg === "started")).toMatchObject({ workers: 2, partitions: 4 });
  expect(first.log.at(-1)).toMatchObject({
    msg: "finished",
    lines: ids.size,
    suppressed_lines: 0,
    restarts: 0,
    lag_total: 0,
  });

  const second = start(brokers, topic, logFile, "--workers", "1");
  await until("partitions assigned", () => second.said("partitions assigned"));
  const more = await publish(brokers, topic, 10);
  await until("ten more lines", () => lines.count() >= ids.size + 10);
  expect(await second.end("SIGINT")).toBe(0);
  await expectEverythingOnce(brokers, topic, `g-${topic}`, logFile, ids.union(more));
  expect(second.log.at(-1)).toMatchObject({ lines: 10, suppressed_lines: 0 });
}, 60_000);

test("after kill -9, in a rebalance and in mid-stream, nothing is missing and nothing is there twice", async () => {
  using folder = new TestFolder();
  const logFile = folder.file("consumer.log");
  const { brokers, topic } = await newTopic(4);
  const early = await publish(brokers, topic, 100_000);
  const first = start(brokers, topic, logFile, "--workers", "2");
  await until("a first line written", () => sizeOf(logFile) > 0, 30_000);
  await first.end("SIGKILL");

  const second = start(brokers, topic, logFile, "--workers", "2");
  await until("all partitions assigned to two workers", () => second.assigned.size === 2, 30_000);
  await until("the early lines written", () => new LineCounter(logFile).count() >= early.size, 30_000);
  const publishing = publish(brokers, topic, 200_000);
  const sizeBefore = sizeOf(logFile);
  await until("more lines written", () => sizeOf(logFile) > sizeBefore, 30_000);
  await second.end("SIGKILL");
  const sizeAtDeath = sizeOf(logFile);

  const restartedMs = performance.now();
  const third = start(brokers, topic, logFile, "--workers", "2");
  const late = await publishing;
  const lines = new LineCounter(logFile);
  expect(lines.count()).toBeLessThan(early.size + late.size);
  await until("lines flowing again", () => sizeOf(logFile) > sizeAtDeath, 25_000);
  expect(performance.now() - restartedMs).toBeLessThan(15_000);
  await until("all lines written", () => lines.count() >= early.size + late.size, 30_000);
  expect(await third.end("SIGTERM")).toBe(0);
  await expectEverythingOnce(brokers, topic, `g-${topic}`, logFile, early.union(late));
}, 120_000);

test("a missing topic is awaited; meanwhile a second process is refused the log file", async () => {
  using folder = new TestFolder();
  const logFile = folder.file("consumer.log");
  const brokers = await kafkaBrokers();
  const topic = `test-${crypto.randomUUID()}`;
  const first = start(brokers, topic, logFile);
  await until("waiting for the topic", () => first.said("the topic does not exist; it is awaited"));
  const second = start(brokers, topic, logFile);
  expect(await second.end()).toBe(1);
  expect(second.stderr).toContain(`another process writes to ${logFile}`);

  const admin = new Admin({ brokers, log: quiet });
  await ensureTopic(admin, { topic, partitions: 1, replication: undefined }, 10_000).finally(() => admin.close());
  const ids = await publish(brokers, topic, 100);
  const lines = new LineCounter(logFile);
  await until("all lines written", () => lines.count() >= ids.size, 30_000);
  expect(first.log.find(({ msg }) => msg === "started")).toMatchObject({ workers: 1 });
  expect(await first.end("SIGTERM")).toBe(0);
  await expectEverythingOnce(brokers, topic, `g-${topic}`, logFile, ids);
}, 60_000);

test("without Kafka it waits, and SIGTERM ends the wait with exit 0", async () => {
  using folder = new TestFolder();
  const consume = start("127.0.0.1:1", "events", folder.file("consumer.log"));
  await until("waiting for Kafka", () => consume.said("Kafka does not answer; it is awaited"), 20_000);
  expect(await consume.end("SIGTERM")).toBe(0);
}, 40_000);

test.each([
  [["--workers", "0"], "--workers"],
  [["--workers", "two"], "--workers"],
  [["--from", "middle"], "--from"],
  [["--kafka-topic", "no/topic"], "--kafka-topic"],
  [["--kafka-partitions", "3"], "--kafka-partitions"],
  [["stray"], "stray"],
])("%j is exit 2 with a sentence", async (flags, named) => {
  const consume = new ConsumeProcess(...flags);
  expect(await consume.end()).toBe(2);
  expect(consume.stderr).toContain(named);
});

test("a log file that cannot be one is exit 1 with a sentence, and stays as it is", async () => {
  using folder = new TestFolder();
  const notes = folder.file("notes.txt");
  await Bun.write(notes, "my notes\n");
  const { brokers, topic } = await newTopic(1);
  for (const [path, sentence] of [
    [folder.file("missing/consumer.log"), "cannot open the log file"],
    [notes, "is not a log file of consume"],
  ] as const) {
    const consume = start(brokers, topic, path);
    expect(await consume.end()).toBe(1);
    expect(consume.stderr).toContain(sentence);
  }
  expect(readFileSync(notes, "utf8")).toBe("my notes\n");
}, 30_000);
