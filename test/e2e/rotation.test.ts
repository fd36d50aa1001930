/** The log and its closed files, with consume as a real process on a real Kafka. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { closedFiles } from "../../src/consume/closed-files.ts";
import { readManifest, unfinished } from "../../src/consume/manifest.ts";
import { Producer, producerConfig } from "../../src/kafka/index.ts";
import { verify } from "../../src/verify/index.ts";
import { TestFolder, until } from "../consume/support.ts";
import { kafkaBrokers, newTopic } from "../support/cluster.ts";
import { CommandProcess, killLeftovers } from "../support/command.ts";
import { publishAll, quiet, record, settings } from "../support/mock.ts";

let brokers: string;
let producer: Producer;
beforeAll(async () => {
  brokers = await kafkaBrokers();
  producer = new Producer({ config: producerConfig(settings(brokers)), log: quiet });
}, 120_000);
afterEach(killLeftovers);
afterAll(async () => {
  killLeftovers();
  await producer.close(5000);
});

/** What the test itself has left of a line. */
const isCut = (line: string) => line.length === 50;

interface Line {
  readonly partition: number;
  readonly offset: number;
  readonly value: { readonly n: number };
}

class LogFolder extends TestFolder {
  readonly logFile = this.file("consumer.log");
  #next = 0;

  start(topic: string, ...args: readonly string[]): CommandProcess {
    const common = ["--kafka-brokers", brokers, "--kafka-topic", topic, "--kafka-group", topic, "--workers", "2"];
    return new CommandProcess("consume", { args: [...common, "--log-file", this.logFile, ...args] });
  }

  /** So many more numbered records. */
  async publish(topic: string, count: number): Promise<void> {
    const values = Array.from({ length: count }, () => `{"n":${this.#next++},"fill":"${"x".repeat(80)}"}`);
    await publishAll(
      producer,
      values.map((value) => record(topic, value)),
    );
  }

  get published(): number {
    return this.#next;
  }

  /** Every line of every file, oldest file first. A file that is compressed right now is looked for again. */
  lines(): Line[] {
    for (;;) {
      try {
        return this.#readLines();
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
      }
    }
  }

  #readLines(): Line[] {
    const texts = closedFiles(this.logFile).map(({ path, compression }) => {
      const bytes = readFileSync(path);
      return (
        compression === "gzip" ? gunzipSync(bytes) : compression === "zstd" ? zstdDecompressSync(bytes) : bytes
      ).toString();
    });
    if (existsSync(this.logFile)) texts.push(readFileSync(this.logFile, "utf8"));
    return texts
      .join("")
      .split("\n")
      .slice(0, -1)
      .map((line) => (isCut(line) ? {} : JSON.parse(line)));
  }

  numbers(): number[] {
    return this.lines()
      .map(({ value }) => value.n)
      .sort((a, b) => a - b);
  }

  all(): number[] {
    return Array.from({ length: this.published }, (_, n) => n);
  }

  async whenAllThere(): Promise<void> {
    await until("every line is there", () => this.lines().length >= this.published, 30_000);
  }
}

async function stopped(consume: CommandProcess): Promise<void> {
  consume.signal("SIGTERM");
  expect(await consume.ended()).toBe(0);
}

test.each(["off", "gzip", "zstd"])(
  "closed by size, compression %s: every record once over all files; manifests are true; the next start writes nothing again",
  async (compression) => {
    const { topic } = await newTopic();
    using folder = new LogFolder();
    await folder.publish(topic, 5000);
    const options = ["--rotate-size", "100000", "--compress", compression, "--fsync", "20"];
    const first = folder.start(topic, ...options);
    await folder.whenAllThere();
    await stopped(first);
    await folder.publish(topic, 1000);
    const second = folder.start(topic, ...options);
    await folder.whenAllThere();
    await stopped(second);
    expect(folder.numbers()).toEqual(folder.all());
    const closed = closedFiles(folder.logFile);
    // A batch is not cut: the file is closed behind it.
    expect(closed.length).toBeGreaterThanOrEqual(2);
    expect(unfinished(folder.logFile)).toEqual([]);
    for (const { path } of closed) {
      const manifest = readManifest(path);
      if (typeof manifest !== "object") throw new Error(`${path}: ${manifest}`);
      expect(manifest.identity.topic).toBe(topic);
      expect(manifest.lines).toBe(manifest.partitions.reduce((sum, part) => sum + part.lines, 0));
      expect(manifest.bytes).toBeGreaterThanOrEqual(100_000);
    }
  },
  120_000,
);

test("kill -9 again and again while files are closed: every record once over all files", async () => {
  const { topic } = await newTopic();
  using folder = new LogFolder();
  const options = ["--rotate-size", "20000", "--compress", "gzip"];
  for (let round = 0; round < 6; round++) {
    const before = folder.published;
    const consume = folder.start(topic, ...options);
    const publishing = folder.publish(topic, 4000);
    // At a moment that differs from round to round.
    await until("some lines are there", () => folder.lines().length > before + round * 500, 40_000);
    consume.signal("SIGKILL");
    await consume.ended();
    await publishing;
  }
  // What it has to write itself: the last one killed may have written all the rest, and this one would be stopped before it is up.
  await folder.publish(topic, 100);
  const last = folder.start(topic, ...options);
  await folder.whenAllThere();
  await stopped(last);
  expect(folder.numbers()).toEqual(folder.all());
  const client = { brokers, properties: {}, log: quiet };
  const { findings } = await verify({ logFile: folder.logFile, client, isComplete: true, allowsGaps: false });
  expect(findings.places).toEqual([]);
}, 180_000);

test("closed by age, also while nothing comes; the oldest beyond --keep go", async () => {
  const { topic } = await newTopic();
  using folder = new LogFolder();
  const consume = folder.start(topic, "--rotate-interval", "1", "--keep", "2");
  for (let round = 1; round <= 4; round++) {
    await folder.publish(topic, 10);
    await until(
      "a file is closed",
      () => consume.stderr.split('"msg":"the log file was closed').length > round,
      20_000,
    );
  }
  await stopped(consume);
  expect(closedFiles(folder.logFile).map(({ sequence }) => sequence)).toEqual([3, 4]);
}, 90_000);

test("moved with SIGHUP, moved without, cut, deleted: lines go on, and none is written twice", async () => {
  const { topic } = await newTopic();
  using folder = new LogFolder();
  const consume = folder.start(topic);
  const kept: number[] = [];
  const whole = () => folder.lines().filter(({ value }) => value !== undefined);
  const step = async (change: () => void) => {
    await folder.publish(topic, 100);
    await until("the lines are there", () => kept.length + whole().length === folder.published, 30_000);
    kept.push(...whole().map(({ value }) => value.n));
    change();
  };
  await step(() => {
    renameSync(folder.logFile, folder.file("consumer.log.1"));
    consume.signal("SIGHUP");
  });
  await consume.logged(/moved or deleted/);
  await step(() => renameSync(folder.logFile, folder.file("consumer.log.2")));
  await step(() => truncateSync(folder.logFile));
  // In the middle of a line, which then ends there: the next one is whole.
  await step(() => truncateSync(folder.logFile, 50));
  await step(() => rmSync(folder.logFile));
  await step(() => {});
  await stopped(consume);
  // What was kept at each step is what was read before the file went.
  expect(kept.sort((a, b) => a - b)).toEqual(folder.all());
}, 120_000);

test("--metrics-port: /metrics counts lines, bytes, lag and closed files; what cannot be listened on ends consume with a sentence", async () => {
  const { topic } = await newTopic();
  using folder = new LogFolder();
  const consume = folder.start(topic, "--metrics-port", "0", "--rotate-size", "1000");
  const url = (await consume.logged(/metrics at (http:\S+\/metrics)/))[1]!;
  await folder.publish(topic, 100);
  await folder.whenAllThere();
  const text = await (await fetch(url)).text();
  const value = (name: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length),
    );
  expect(value("sluice_lines_total")).toBe(100);
  expect(value("sluice_lines_bytes_total")).toBeGreaterThan(10_000);
  expect(value("sluice_closed_files_total")).toBeGreaterThanOrEqual(1);
  expect(value("sluice_workers")).toBe(2);
  expect(value("sluice_worker_restarts_total")).toBe(0);
  expect((await fetch(url.replace("/metrics", "/livez"))).status).toBe(200);
  const port = new URL(url).port;
  const other = folder.start(topic, "--metrics-port", port, "--log-file", folder.file("other.log"));
  expect(await other.ended()).toBe(1);
  expect(other.stderr).toContain(port);
  await stopped(consume);
}, 60_000);
