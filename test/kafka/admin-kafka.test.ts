/** Questions and requests to the real Kafka. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Admin, ensureTopic, KafkaError, Producer, producerConfig } from "../../src/kafka/index.ts";
import { kafkaBrokers } from "../support/cluster.ts";
import { publishAll, quiet, record, settings } from "../support/mock.ts";

const TIMEOUT_MS = 10_000;
let brokers: string;
let admin: Admin;
let brokerCount: number;
beforeAll(async () => {
  brokers = await kafkaBrokers();
  admin = new Admin({ brokers, log: quiet });
  brokerCount = (await admin.describeCluster(TIMEOUT_MS)).brokers.length;
}, 60_000);
afterAll(() => admin.close());

const newName = () => `admin-${crypto.randomUUID()}`;
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => "no failure",
    (cause: unknown) => (cause instanceof KafkaError ? cause.codeName : `${cause}`),
  );

async function publishOne(topic: string, value = "x") {
  const producer = new Producer({ config: producerConfig(settings(brokers)), log: quiet });
  const [outcome] = await publishAll(producer, [record(topic, value)]);
  await producer.close(1000);
  return outcome!;
}

test("ensureTopic makes a missing topic with the partitions and replicas asked for, once", async () => {
  const settings = { topic: newName(), partitions: 5, replication: undefined };
  const first = await ensureTopic(admin, settings, TIMEOUT_MS);
  expect(first.created).toBe(true);
  const { topic } = await ensureTopic(admin, { ...settings, partitions: 9 }, TIMEOUT_MS);
  expect(topic!.partitions.map((p) => p.partition)).toEqual([0, 1, 2, 3, 4]);
  for (const { replicas, inSync, leader } of topic!.partitions) {
    expect(replicas.length).toBe(Math.min(3, brokerCount));
    expect(inSync.length).toBe(replicas.length);
    expect(replicas).toContain(leader!);
  }
  const second = await ensureTopic(admin, settings, TIMEOUT_MS);
  expect(second.created).toBe(false);
  // 16 bytes in base64 for URLs, and the same each time: it is an identity.
  expect(topic!.topicId).toMatch(/^[\w-]{22}$/);
  expect(second.topic!.topicId).toBe(topic!.topicId);
  expect((await publishOne(settings.topic)).status).toBe("acked");
}, 30_000);

test("topics are told apart by their identity, not by their names", async () => {
  const ids = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const topic = newName();
    await admin.createTopic({ topic, partitions: 1, replication: -1, config: {} }, TIMEOUT_MS);
    const { topicId } = (await ensureTopic(admin, { topic, partitions: 1, replication: undefined }, TIMEOUT_MS)).topic!;
    expect(topicId).toMatch(/^[\w-]{22}$/);
    ids.add(topicId!);
  }
  expect(ids.size).toBe(40);
}, 30_000);

test("a topic's configuration reaches Kafka", async () => {
  const topic = newName();
  // Kafka lets nobody see that min.insync.replicas is 2 while there is one broker; a limit on the size is easily seen.
  const config = { "max.message.bytes": "2000", "min.insync.replicas": "2" };
  expect(await admin.createTopic({ topic, partitions: 1, replication: -1, config }, TIMEOUT_MS)).toBe(true);
  expect(await publishOne(topic, "x".repeat(5000))).toMatchObject({ status: "refused", code: "event_too_large" });
  expect((await publishOne(topic)).status).toBe("acked");
  const described = await admin.topicConfig(topic, TIMEOUT_MS);
  expect([described.get("max.message.bytes"), described.get("cleanup.policy")]).toEqual(["2000", "delete"]);
  expect(await failure(admin.topicConfig(newName(), TIMEOUT_MS))).toBe("ERR_UNKNOWN_TOPIC_OR_PART");
  const senseless = { topic: newName(), partitions: 1, replication: -1, config: { "min.insync.replicas": "0" } };
  expect(await failure(admin.createTopic(senseless, TIMEOUT_MS))).toBe("ERR_INVALID_CONFIG");
}, 30_000);

test("createTopic says whether it was there, and why Kafka refuses", async () => {
  const topic = newName();
  const create = (over: object) =>
    admin.createTopic({ topic, partitions: 1, replication: 1, config: {}, ...over }, TIMEOUT_MS);
  expect(await create({})).toBe(true);
  expect(await create({})).toBe(false);
  expect(await failure(create({ topic: newName(), replication: 99 }))).toBe("ERR_INVALID_REPLICATION_FACTOR");
  expect(await failure(create({ topic: "not a name!" }))).toBe("ERR_TOPIC_EXCEPTION");
  expect(await failure(create({ topic: newName(), partitions: 0 }))).toBe("ERR_INVALID_PARTITIONS");
  expect(await failure(create({ topic: newName(), config: { "no.such": "1" } }))).toBe("ERR_INVALID_CONFIG");
  // 2^32 + 1 is 1 in C.
  expect(await failure(create({ topic: newName(), partitions: 2 ** 32 + 1 }))).toContain("32 bits");
  expect(await failure(create({ topic: newName(), partitions: -5 }))).toContain("num_partitions");
  expect(await failure(create({ topic: "a\0b" }))).toContain("NUL");
  expect(await failure(admin.describeCluster(-5))).toContain("timeout");
}, 30_000);

test("watermarks and offsets of the real thing; what is not there is said", async () => {
  const topic = newName();
  await admin.createTopic({ topic, partitions: 2, replication: -1, config: {} }, TIMEOUT_MS);
  expect((await publishOne(topic)).status).toBe("acked");
  const marks = await admin.watermarks(topic, [0, 1], TIMEOUT_MS);
  expect(marks.map((mark) => mark.low)).toEqual([0, 0]);
  expect(marks.map((mark) => mark.high).sort()).toEqual([0, 1]);
  const ofGroup = new Admin({ brokers, group: newName(), log: quiet });
  try {
    expect(await ofGroup.groupOffsets(topic, [0, 1], TIMEOUT_MS)).toEqual(new Map());
    expect(await failure(ofGroup.groupOffsets(topic, [], TIMEOUT_MS))).toBe("ERR__INVALID_ARG");
  } finally {
    await ofGroup.close();
  }
  expect(await admin.describeTopic(newName(), TIMEOUT_MS)).toBeNull();
  expect(await failure(admin.watermarks(topic, [7], 2000))).toMatch(/^ERR_/);
}, 30_000);

test("many requests at once each get their own answer", async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) =>
      i % 2
        ? (await admin.describeCluster(TIMEOUT_MS)).brokers.length
        : await admin.describeTopic(`none-${i}`, TIMEOUT_MS),
    ),
  );
  expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => (i % 2 ? brokerCount : null)));
}, 30_000);
