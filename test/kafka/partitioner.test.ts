/**
 * The same key goes to the same partition whoever produces: librdkafka's choice against Kafka's own hash. Without a key, what is published
 * together stays together, and all partitions have their turn.
 */
import { expect, test } from "bun:test";
import { Producer, producerConfig } from "../../src/kafka/index.ts";
import { newTopic } from "../support/cluster.ts";
import { KafkaFixture, publishAll, quiet, record, settings } from "../support/mock.ts";

/** The hash that the Java client partitions by: MurmurHash2, 32 bits, with a seed of Kafka's own. */
function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let h = 0x9747b28c ^ data.length;
  const words = data.length >> 2;
  for (let i = 0; i < words; i++) {
    let k = Math.imul(view.getInt32(i * 4, true), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = data.subarray(words * 4);
  for (let i = 0; i < rest.length; i++) h ^= rest[i]! << (8 * i);
  if (rest.length > 0) h = Math.imul(h, m);
  h = Math.imul(h ^ (h >>> 13), m);
  return h ^ (h >>> 15);
}

function partitionOfKey(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;
}

test("the hash gives what Apache Kafka's own unit test says it must", () => {
  // org.apache.kafka.common.utils.UtilsTest
  const known: Record<string, number> = {
    "21": -973932308,
    foobar: -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [text, hash] of Object.entries(known)) expect([text, murmur2(Buffer.from(text))]).toEqual([text, hash]);
});

test("keys are partitioned as the Java client does", async () => {
  const kafka = new KafkaFixture();
  const partitions = 7;
  kafka.mock.createTopic("events", partitions);
  const keys = ["21", "foobar", "schlüssel-鍵", ...Array.from({ length: 200 }, (_, i) => `user-${i ** 3}`)];
  const outcomes = await publishAll(
    kafka.producer(),
    keys.map((key) => record("events", "{}", { key })),
  );
  expect(outcomes.map((o) => (o.status === "acked" ? o.partition : -1))).toEqual(
    keys.map((key) => partitionOfKey(key, partitions)),
  );
  await kafka.close();
});

/** Publishes ten records without a key to each of the topics, turn and turn about, in one batch. Which partitions each topic's went to. */
async function partitionsOfBatch(producer: Producer, ...topics: readonly string[]): Promise<number[][]> {
  const records = Array.from({ length: 10 }, () => topics.map((topic) => record(topic, "{}"))).flat();
  const outcomes = await publishAll(producer, records);
  return topics.map((topic) => {
    const partitions = outcomes.map((o) => (o.status === "acked" && o.topic === topic ? o.partition : -1));
    return [...new Set(partitions)].filter((partition) => partition !== -1);
  });
}

/** What is published before librdkafka knows the topic goes to whichever has the turn: none has a broker then. The key is of partition 0. */
async function makeKnown(producer: Producer, topic: string, partitions: number): Promise<void> {
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`);
  const key = keys.find((key) => partitionOfKey(key, partitions) === 0)!;
  await publishAll(producer, [record(topic, "{}", { key })]);
}

test("records without a key that are published together go to one partition, and over time as many to each", async () => {
  const kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 4);
  const producer = kafka.producer();
  await makeKnown(producer, "events", 4);
  const batches: number[] = [];
  for (let i = 0; i < 40; i++) {
    const [partitions] = await partitionsOfBatch(producer, "events");
    expect(partitions).toHaveLength(1);
    batches.push(partitions![0]!);
    // What has a key takes no turn.
    await publishAll(producer, [record("events", "{}", { key: "k" })]);
  }
  for (let i = 1; i < batches.length; i++) expect(batches[i]).not.toBe(batches[i - 1]!);
  for (let partition = 0; partition < 4; partition++) {
    const count = batches.filter((one) => one === partition).length;
    expect(count).toBeWithin(9, 12);
  }
  await kafka.close();
});

test("batches that are large and small by turns come to every partition in both sizes", async () => {
  const kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 2);
  const producer = kafka.producer();
  await makeKnown(producer, "events", 2);
  const counts = [0, 0];
  for (let i = 0; i < 60; i++) {
    const records = Array.from({ length: i % 2 === 0 ? 30 : 1 }, () => record("events", "{}"));
    for (const outcome of await publishAll(producer, records))
      if (outcome.status === "acked") counts[outcome.partition]!++;
  }
  // Counting up would give 900 and 30.
  expect(Math.min(...counts)).toBeGreaterThan(350);
  await kafka.close();
});

test("topics that share batches have turns of their own", async () => {
  const kafka = new KafkaFixture();
  for (const topic of ["a", "b"]) kafka.mock.createTopic(topic, 4);
  const producer = kafka.producer();
  for (const topic of ["a", "b"]) await makeKnown(producer, topic, 4);
  const [firstOfA, firstOfB] = await partitionsOfBatch(producer, "a", "b");
  const [secondOfA, secondOfB] = await partitionsOfBatch(producer, "a", "b");
  for (const partitions of [firstOfA, firstOfB, secondOfA, secondOfB]) expect(partitions).toHaveLength(1);
  expect(secondOfA).not.toEqual(firstOfA);
  expect(secondOfB).not.toEqual(firstOfB);
  await kafka.close();
});

test("an empty key is a key: it has its partition", async () => {
  const kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 7);
  const producer = kafka.producer();
  for (let i = 0; i < 3; i++) {
    const [outcome] = await publishAll(producer, [record("events", "{}", { key: "" })]);
    expect(outcome).toMatchObject({ status: "acked", partition: partitionOfKey("", 7) });
  }
  await kafka.close();
});

test("a partition without a leader is passed over", async () => {
  const kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 3);
  kafka.mock.setLeader("events", 1, -1);
  const producer = kafka.producer();
  await makeKnown(producer, "events", 3);
  const seen = new Set<number>();
  for (let i = 0; i < 6; i++) {
    const [partitions] = await partitionsOfBatch(producer, "events");
    expect(partitions).toHaveLength(1);
    seen.add(partitions![0]!);
  }
  expect([...seen].sort()).toEqual([0, 2]);
  await kafka.close();
});

test("what leaves together without keys is one request to Kafka", async () => {
  const { brokers, topic } = await newTopic();
  let requests = 0;
  // One report event is one request's.
  const onContact = () => requests++;
  const producer = new Producer({ config: producerConfig(settings(brokers)), log: quiet, onContact });
  const batch = Array.from({ length: 50 }, () => record(topic, "{}"));
  await publishAll(producer, batch);
  requests = 0;
  // As under load: librdkafka's thread is awake with what the one before brought when the next comes.
  const BATCHES_EACH = 200;
  const senders = Array.from({ length: 3 }, async () => {
    for (let i = 0; i < BATCHES_EACH; i++) {
      const outcomes = await publishAll(producer, batch);
      expect(outcomes.every(({ status }) => status === "acked")).toBeTrue();
    }
  });
  await Promise.all(senders);
  await producer.close(1000);
  // Fewer where two wait for the same partition; more where the system holds this thread up for a millisecond in the middle of one.
  expect(requests).toBeLessThan(1.08 * senders.length * BATCHES_EACH);
}, 30_000);
