/** `bun run verify` on logs that consume wrote, against a real Kafka. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { checkpointPath } from "../../src/consume/checkpoint.ts";
import { Producer, producerConfig } from "../../src/kafka/index.ts";
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
afterAll(() => producer.close(5000));

interface Said {
  readonly code: number;
  readonly clean?: boolean;
  readonly counts?: Record<string, number>;
  readonly partitions?: { behind: number; missing: number; lines: number }[];
}

async function verify(logFile: string, ...args: readonly string[]): Promise<Said> {
  const process = new CommandProcess("verify", { args: ["--log-file", logFile, "--json", ...args] });
  const code = await process.ended(60_000);
  return { code, ...(process.stdout ? (JSON.parse(process.stdout) as object) : { stderr: process.stderr }) };
}

const linesIn = (file: string) => readFileSync(file, "utf8").split("\n").slice(0, -1);

test("a log that consume wrote is clean, with and without Kafka; what is done to it is found", async () => {
  const { topic } = await newTopic(3);
  using folder = new TestFolder();
  const logFile = folder.file("consumer.log");
  const publish = (from: number, to: number) =>
    publishAll(
      producer,
      Array.from({ length: to - from }, (_, i) =>
        record(topic, `{\n"n":${from + i},"text":"é"}`, { key: `k${i % 7}` }),
      ),
    );
  await publish(0, 3000);
  const consume = new CommandProcess("consume", {
    args: [
      "--kafka-brokers",
      brokers,
      "--kafka-topic",
      topic,
      "--kafka-group",
      topic,
      "--log-file",
      logFile,
      "--rotate-size",
      "100000",
      "--compress",
      "zstd",
    ],
  });
  await consume.logged(/closed log files were finished/);
  // While it runs, and what it has not read yet is no fault.
  await publish(3000, 3100);
  expect(await verify(logFile, "--kafka-brokers", brokers)).toMatchObject({ code: 0, clean: true });
  const caughtUp = () =>
    until(
      "it has caught up",
      async () =>
        ((await verify(logFile, "--kafka-brokers", brokers)).partitions ?? [{ behind: 1 }]).every(
          ({ behind }) => behind === 0,
        ),
      30_000,
    );
  let published = 3100;
  await caughtUp();
  // The log may just have been rotated, and there must be something to spoil in the live file.
  while (linesIn(logFile).length < 20) {
    await publish(published, published + 50);
    published += 50;
    await caughtUp();
  }
  consume.signal("SIGTERM");
  expect(await consume.ended()).toBe(0);
  expect(await verify(logFile, "--kafka-brokers", brokers, "--complete")).toMatchObject({
    code: 0,
    clean: true,
    counts: {},
  });
  expect(await verify(logFile)).toMatchObject({ code: 0, clean: true });

  await publish(published, published + 10);
  expect(await verify(logFile, "--kafka-brokers", brokers)).toMatchObject({ code: 0, clean: true });
  expect(await verify(logFile, "--kafka-brokers", brokers, "--complete")).toMatchObject({
    code: 1,
    counts: { missing: 10 },
  });

  const text = readFileSync(logFile, "utf8");
  const lines = linesIn(logFile);
  rmSync(checkpointPath(logFile));
  const spoil = (changed: readonly string[]) => writeFileSync(logFile, changed.map((line) => `${line}\n`).join(""));
  spoil(lines.filter((_, i) => i !== 5));
  expect(await verify(logFile, "--kafka-brokers", brokers)).toMatchObject({ code: 1, counts: { missing: 1 } });
  expect(await verify(logFile)).toMatchObject({ code: 1, counts: { missing: 1 } });
  spoil([...lines, lines[3]!]);
  expect(await verify(logFile, "--kafka-brokers", brokers)).toMatchObject({ code: 1, counts: { duplicated: 1 } });
  // A byte of a value: without a manifest only the topic knows.
  spoil(
    lines.map((line, i) =>
      i === 7 ? line.replace(/"n":(\d)/, (_, digit) => `"n":${(Number(digit) + 1) % 10}`) : line,
    ),
  );
  expect(await verify(logFile)).toMatchObject({ code: 0 });
  expect(await verify(logFile, "--kafka-brokers", brokers)).toMatchObject({ code: 1, counts: { different: 1 } });
  writeFileSync(logFile, text);
  expect(await verify(logFile, "--kafka-brokers", brokers)).toMatchObject({ code: 0 });
}, 150_000);

test("no log, no Kafka, no such option: a sentence and an exit code each", async () => {
  using folder = new TestFolder();
  expect(await verify(folder.file("none.log"))).toMatchObject({ code: 1 });
  expect(await verify(folder.file("none.log"), "--kafka-brokers", "nonsense")).toMatchObject({ code: 2 });
}, 30_000);
