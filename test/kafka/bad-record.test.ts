/**
 * One bad record among good ones. Kafka refuses their batch whole; the good ones must arrive all the same, each once and in order,
 * and only the bad one is refused. On real Kafka: the mock cannot say which record of a batch is bad.
 */
import { expect, test } from "bun:test";
import { Admin, type KafkaRecord, Producer, producerConfig } from "../../src/kafka/index.ts";
import { Republisher } from "../../src/kafka/republisher.ts";
import type { Outcome } from "../../src/outcome.ts";
import { kafkaBrokers } from "../support/cluster.ts";
import { publishAll, quiet, readTopic, record, settings } from "../support/mock.ts";

const DAY_MS = 86_400_000;

/** A topic of one partition that takes no record from the future, and a producer whose records share a batch. */
async function setUp() {
  const brokers = await kafkaBrokers();
  const topic = `test-${crypto.randomUUID()}`;
  const admin = new Admin({ brokers, log: quiet });
  const config = { "message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": "60000" };
  await admin.createTopic({ topic, partitions: 1, replication: 1, config }, 15_000).finally(() => admin.close());
  const producer = new Producer({ config: { ...producerConfig(settings(brokers)), "linger.ms": 50 }, log: quiet });
  // The first record waits for the producer id and for the partition's leader.
  expect((await publishAll(producer, [record(topic, "warm")]))[0]!.status).toBe("acked");
  return { brokers, topic, producer };
}

const good = (topic: string, value: string) => record(topic, value, { key: "k" });
const bad = (topic: string, value = "bad") => record(topic, value, { key: "k", timestampMs: Date.now() + DAY_MS });

const valuesIn = (brokers: string, topic: string, count: number) =>
  readTopic(brokers, topic, count).map((r) => Buffer.from(r.value!).toString());

test.each([1, 3])(
  "%d bad among good: the good ones are acked, each once and in order",
  async (badOnes) => {
    const { brokers, topic, producer } = await setUp();
    const values = Array.from({ length: 2000 }, (_, i) => `${i}`);
    const records = values.map((value) => good(topic, value));
    for (let i = 1; i <= badOnes; i++) records.splice(i * 400, 0, bad(topic));
    const outcomes = await publishAll(producer, records);
    const [last] = await publishAll(producer, [good(topic, "last")]);
    await producer.close(1000);

    const refused = outcomes.filter((outcome) => outcome.status !== "acked");
    expect(refused).toEqual(
      Array.from({ length: badOnes }, () => ({
        status: "refused",
        code: "rejected_by_kafka",
        detail: expect.stringMatching(/INVALID_TIMESTAMP|INVALID_RECORD/),
      })),
    );
    expect(last!.status).toBe("acked");
    // Down to the last record, of which nothing before it is there twice.
    expect(valuesIn(brokers, topic, values.length + 2)).toEqual(["warm", ...values, "last"]);
    const offsets = outcomes.flatMap((outcome) => (outcome.status === "acked" ? [outcome.offset] : []));
    expect(offsets).toEqual(values.map((_, i) => i + 1));
  },
  60_000,
);

test("a record that meets a bad one each time is published again three times, then refused, and is not in the topic", async () => {
  const { brokers, topic, producer } = await setUp();
  let meetings = 0;
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const innocent = good(topic, "unlucky");
  const onOutcome = (settled: KafkaRecord, outcome: Outcome) => {
    if (settled === innocent) return resolve(outcome);
    expect(outcome).toMatchObject({ code: "rejected_by_kafka" });
    meetings++;
    // The next bad one goes into the batch in which the innocent goes again.
    if (meetings < 4) producer.publish([bad(topic)], onOutcome);
  };
  producer.publish([bad(topic), innocent], onOutcome);
  expect(await promise).toMatchObject({ status: "refused", code: "not_delivered" });
  expect(meetings).toBe(4);
  expect((await publishAll(producer, [good(topic, "last")]))[0]!.status).toBe("acked");
  await producer.close(1000);
  expect(valuesIn(brokers, topic, 2)).toEqual(["warm", "last"]);
}, 60_000);

test("what is published again keeps its order, and nothing is published again that could not end in time", () => {
  const republisher = new Republisher();
  for (const slot of [5, 2, 9]) expect(republisher.accept(slot, 1000, 1200)).toBe(true);
  expect(republisher.accept(7, 1000, 2001)).toBe(false);
  expect(republisher.take()).toEqual([5, 2, 9]);
  expect(republisher.take()).toEqual([]);
  expect([republisher.accept(5, 1000, 1300), republisher.accept(5, 1000, 1400)]).toEqual([true, true]);
  expect(republisher.accept(5, 1000, 1500)).toBe(false);
  // The slot's next record starts from nothing.
  republisher.forget(5);
  expect(republisher.accept(5, 1000, 1600)).toBe(true);
});
