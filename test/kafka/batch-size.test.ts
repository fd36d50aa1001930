/**
 * A topic whose `max.message.bytes` is smaller than librdkafka's batches. Kafka refuses such a batch whole; its records must arrive
 * all the same, and only the one that is too large by itself is refused.
 */
import { afterEach, expect, test } from "bun:test";
import {
  Admin,
  BatchLimit,
  type KafkaLog,
  Producer,
  type ProducerConfig,
  producerConfig,
} from "../../src/kafka/index.ts";
import { Splitter } from "../../src/kafka/splitter.ts";
import type { Outcome } from "../../src/outcome.ts";
import { kafkaBrokers } from "../support/cluster.ts";
import { KafkaFixture, publishAll, quiet, readTopic, record, settings } from "../support/mock.ts";

const MAX_BYTES = 20_000;
const BATCH_SIZE_TOO_LARGE = 10;

let fixture: KafkaFixture | undefined;
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

async function setUp(partitions: number, log: KafkaLog = quiet, over: ProducerConfig = {}) {
  const brokers = await kafkaBrokers();
  const topic = `test-${crypto.randomUUID()}`;
  const admin = new Admin({ brokers, log: quiet });
  const config = { "max.message.bytes": `${MAX_BYTES}` };
  await admin.createTopic({ topic, partitions, replication: 1, config }, 15_000).finally(() => admin.close());
  // The linger makes sure of batches as large as they get.
  const producer = new Producer({ config: { ...producerConfig(settings(brokers)), "linger.ms": 5, ...over }, log });
  // The first record waits for the producer id and for the partition's leader.
  expect((await publishAll(producer, [record(topic, "warm")]))[0]!.status).toBe("acked");
  return { brokers, topic, producer };
}

const padded = (i: number, bytes = 1000) => `${i} `.padEnd(bytes, "x");
const numberOf = (value: Uint8Array | null) => Number.parseInt(Buffer.from(value!).toString("utf8", 0, 12), 10);
const statuses = (outcomes: readonly Outcome[]) =>
  outcomes.map((outcome) => (outcome.status === "refused" ? outcome.code : outcome.status));

test("200 small records in a batch that is too large are acked, each once and in order", async () => {
  const lines: string[] = [];
  const { brokers, topic, producer } = await setUp(1, (_level, line) => lines.push(line));
  const numbers = Array.from({ length: 200 }, (_, i) => i);
  const outcomes = await publishAll(
    producer,
    numbers.map((i) => record(topic, padded(i), { key: "k" })),
  );
  const again = await publishAll(
    producer,
    numbers.map((i) => record(topic, padded(200 + i), { key: "k" })),
  );
  await producer.close(1000);
  expect(new Set(statuses([...outcomes, ...again]))).toEqual(new Set(["acked"]));
  const read = readTopic(brokers, topic, 401).slice(1);
  expect(read.map((r) => numberOf(r.value))).toEqual([...numbers, ...numbers.map((i) => 200 + i)]);
  expect(lines.filter((line) => line.includes("batch.size"))).toHaveLength(1);
}, 60_000);

test("of 300 records the two too large ones are refused, and the others acked in the order of their keys", async () => {
  const { brokers, topic, producer } = await setUp(4);
  const numbers = Array.from({ length: 300 }, (_, i) => i);
  const isLarge = (i: number) => i === 100 || i === 299;
  const outcomes = await publishAll(
    producer,
    numbers.map((i) => record(topic, padded(i, isLarge(i) ? 30_000 : 700), { key: `k${i % 7}` })),
  );
  await producer.close(1000);
  expect(statuses(outcomes)).toEqual(numbers.map((i) => (isLarge(i) ? "event_too_large" : "acked")));
  const read = readTopic(brokers, topic, 299).filter((r) => r.key !== null);
  for (let key = 0; key < 7; key++) {
    const ofKey = read.filter((r) => r.key === `k${key}`).map((r) => numberOf(r.value));
    expect(ofKey).toEqual(numbers.filter((i) => i % 7 === key && !isLarge(i)));
  }
}, 60_000);

test("what is published while a topic is being split waits its turn; other topics do not", async () => {
  const { brokers, topic, producer } = await setUp(1);
  const other = await setUp(1);
  await other.producer.close(1000);
  await publishAll(producer, [record(other.topic, "warm")]);
  const order: string[] = [];
  const all = Promise.withResolvers<void>();
  let open = 200 + 200;
  const settle = (name: string) => (_: unknown, outcome: Outcome) => {
    expect(outcome.status).toBe("acked");
    order.push(name);
    // From within the first outcome: the splitting is under way.
    if (order.length === 1) {
      producer.publish(
        Array.from({ length: 199 }, (_, i) => record(topic, padded(200 + i), { key: "k" })),
        settle("later"),
      );
      producer.publish([record(other.topic, "x")], settle("other"));
    }
    if (--open === 0) all.resolve();
  };
  producer.publish(
    Array.from({ length: 200 }, (_, i) => record(topic, padded(i), { key: "k" })),
    settle("first"),
  );
  await all.promise;
  await producer.close(1000);
  expect(order.indexOf("other")).toBeLessThan(order.lastIndexOf("first"));
  const read = readTopic(brokers, topic, 400).slice(1);
  expect(read.map((r) => numberOf(r.value))).toEqual(Array.from({ length: 399 }, (_, i) => i));
}, 60_000);

test("where the topic's limit is learnt, at the start or from a refusal, batches keep below it", async () => {
  for (const isKnownBefore of [true, false]) {
    const { brokers, topic, producer: other } = await setUp(1);
    await other.close(1000);
    const admin = new Admin({ brokers, log: quiet });
    const lines: string[] = [];
    let refusals = 0;
    const learnt = Promise.withResolvers<void>();
    const producer: Producer = new Producer({
      config: { ...producerConfig(settings(brokers)), "linger.ms": 5 },
      log: (_level, line) => lines.push(line),
      onBatchTooLarge: (name) => {
        refusals++;
        limit.learn(name).then(learnt.resolve);
      },
    });
    const limit = new BatchLimit({ admin, producer: () => producer, log: quiet });
    if (isKnownBefore) await limit.learn(topic);
    const published: Promise<Outcome[]>[] = [];
    const publish = (from: number, count: number) =>
      published.push(
        publishAll(
          producer,
          Array.from({ length: count }, (_, i) => record(topic, padded(from + i), { key: "k" })),
        ),
      );
    publish(0, 200);
    // More comes while one client takes over from the other.
    if (!isKnownBefore) await learnt.promise;
    for (let i = 200; i < 300; i++) publish(i, 1);
    await Promise.all(published);
    const refusalsBefore = refusals;
    publish(300, 300);
    expect(new Set(statuses((await Promise.all(published)).flat()))).toEqual(new Set(["acked"]));
    await Promise.all([producer.close(1000), admin.close()]);
    expect(refusals - refusalsBefore).toBe(0);
    expect(isKnownBefore ? refusals === 0 : refusals > 0).toBe(true);
    expect(lines.filter((line) => line.includes("no larger from now on"))).toHaveLength(1);
    const read = readTopic(brokers, topic, 601).slice(1);
    expect(read.map((r) => numberOf(r.value))).toEqual(Array.from({ length: 600 }, (_, i) => i));
  }
}, 60_000);

test("a limit that cannot be learnt changes nothing, and is said once", async () => {
  const lines: string[] = [];
  const limits: number[] = [];
  const limit = new BatchLimit({
    admin: { topicConfig: () => Promise.reject(new Error("TOPIC_AUTHORIZATION_FAILED")) },
    producer: () => ({ limitBatches: (bytes) => limits.push(bytes) }),
    log: (_level, line) => lines.push(line),
  });
  await limit.learn("t");
  await limit.learn("t");
  expect([limits, lines]).toEqual([[], ["how large a batch the topic takes is not known"]]);
});

test("a record that is refused alone is refused at once, and one whose batch is refused once arrives", async () => {
  fixture = new KafkaFixture();
  fixture.mock.createTopic("t", 1);
  const producer = fixture.producer({}, { "linger.ms": 20 });
  expect(statuses(await publishAll(producer, [record("t", "warm")]))).toEqual(["acked"]);
  fixture.mock.failNext("Produce", [BATCH_SIZE_TOO_LARGE]);
  expect(statuses(await publishAll(producer, [record("t", "alone")]))).toEqual(["event_too_large"]);
  const NOT_LEADER = 6;
  for (const codes of [[BATCH_SIZE_TOO_LARGE], [18], [NOT_LEADER, BATCH_SIZE_TOO_LARGE]]) {
    fixture.mock.failNext("Produce", codes);
    const records = Array.from({ length: 50 }, (_, i) => record("t", `${i}`));
    expect(new Set(statuses(await publishAll(producer, records)))).toEqual(new Set(["acked"]));
  }
  // First the batch, and then its first record by itself: a topic of which nothing is known yet.
  fixture.mock.createTopic("u", 1);
  fixture.mock.failNext("Produce", [BATCH_SIZE_TOO_LARGE, BATCH_SIZE_TOO_LARGE]);
  const [first, ...others] = statuses(
    await publishAll(
      producer,
      Array.from({ length: 10 }, (_, i) => record("u", `${i}`)),
    ),
  );
  expect([first, new Set(others)]).toEqual(["event_too_large", new Set(["acked"])]);
});

test("a close in the middle of it: what was not handed over is not delivered, and is not in doubt", async () => {
  fixture = new KafkaFixture();
  fixture.mock.createTopic("t", 1);
  const producer = fixture.producer({}, { "linger.ms": 20 });
  await publishAll(producer, [record("t", "warm")]);
  fixture.mock.failNext("Produce", [BATCH_SIZE_TOO_LARGE]);
  fixture.mock.setRoundTrip(300);
  const published = publishAll(
    producer,
    Array.from({ length: 20 }, (_, i) => record("t", `${i}`)),
  );
  const closed = producer.close(800);
  const codes = statuses(await published);
  await closed;
  expect(codes).toContain("not_delivered");
  expect(codes).not.toContain("event_too_large");
});

test("chunks start at one record, grow while they are taken, and stay below half of what was refused", () => {
  const splitter = new Splitter(() => 80);
  const sizes: number[] = [];
  const all = Array.from({ length: 100 }, (_, i) => i);
  splitter.split("t", all, () => new Set([...all, 100]));
  expect(splitter.hold("u", 200)).toBe(false);
  expect(splitter.hold("t", 101)).toBe(true);
  // Slot 100 is still in librdkafka.
  expect(splitter.next()).toEqual([]);
  splitter.forget("t", 100);
  const passed: number[] = [];
  for (let chunk = splitter.next(); chunk.length > 0; chunk = splitter.next()) {
    expect(splitter.next()).toEqual([]);
    sizes.push(chunk.length);
    if (chunk.length > 20) splitter.split("t", chunk, () => new Set());
    else for (const slot of chunk) splitter.forget("t", slot);
    if (chunk.length <= 20) passed.push(...chunk);
  }
  expect(passed).toEqual([...all, 101]);
  expect(sizes.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 16]);
  expect(Math.max(...sizes.slice(6))).toBe(16);
  expect(splitter.isIdle).toBe(true);
});
