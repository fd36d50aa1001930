/** What others do to consume's topic: strange records, a topic made anew, a group that starts at the end. Real processes, real Kafka. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
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
afterAll(async () => {
  killLeftovers();
  await producer.close(5000);
});

function start(folder: TestFolder, topic: string, ...args: readonly string[]): CommandProcess {
  const common = ["--kafka-brokers", brokers, "--kafka-topic", topic, "--kafka-group", topic];
  return new CommandProcess("consume", { args: [...common, "--log-file", folder.file("consumer.log"), ...args] });
}

const lines = (folder: TestFolder) => readFileSync(folder.file("consumer.log"), "utf8").split("\n").slice(0, -1);

test("--from latest: what comes while workers join and partitions move is read", async () => {
  const { topic } = await newTopic(4);
  await publishAll(
    producer,
    Array.from({ length: 20 }, (_, n) => record(topic, `{"old":${n}}`)),
  );
  using folder = new TestFolder();
  const first = start(folder, topic, "--from", "latest", "--workers", "1");
  await first.logged(/partitions assigned/);
  first.signal("SIGKILL");
  await first.ended();
  // Nobody reads now, and nothing was read yet.
  await publishAll(
    producer,
    Array.from({ length: 40 }, (_, n) => record(topic, `{"new":${n}}`)),
  );
  const second = start(folder, topic, "--from", "latest", "--workers", "4");
  await until("the new ones are there", () => lines(folder).length >= 40, 40_000);
  second.signal("SIGTERM");
  expect(await second.ended()).toBe(0);
  expect(lines(folder).filter((line) => line.includes('"new"'))).toHaveLength(40);
  expect(lines(folder)).toHaveLength(40);
}, 90_000);

test("SIGHUP while Kafka is awaited does not end it", async () => {
  using folder = new TestFolder();
  const consume = new CommandProcess("consume", {
    args: ["--kafka-brokers", "127.0.0.1:1", "--log-file", folder.file("consumer.log")],
  });
  await consume.logged(/Kafka does not answer/);
  consume.signal("SIGHUP");
  consume.signal("SIGTERM");
  expect(await consume.ended()).toBe(0);
}, 30_000);
