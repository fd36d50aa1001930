import { expect, test } from "bun:test";
import { Report } from "../../src/consume/report.ts";
import { awaitTopic, commitEnds, readLag } from "../../src/consume/topic.ts";
import { Admin, GroupOffsets, Producer, producerConfig } from "../../src/kafka/index.ts";
import { newTopic } from "../support/cluster.ts";
import { KafkaFixture, publishAll, quiet, record, settings } from "../support/mock.ts";
import { keptLog, until } from "./support.ts";

/** The Kafka protocol's code. */
const UNKNOWN_MEMBER_ID = 25;

const neverStop = { requested: false, whenRequested: new Promise<void>(() => {}) };
const description = {
  topic: "events",
  topicId: "id1",
  partitions: [{ partition: 0, leader: 1, replicas: [1], inSync: [1] }],
};

test("the topic is awaited through errors and absence, and each is said once", async () => {
  const { log, lines } = keptLog();
  const answers = [
    new Error("no broker"),
    new Error("no broker"),
    null,
    { ...description, partitions: [] },
    description,
  ];
  const admin = {
    async describeTopic() {
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async describeCluster() {
      return { clusterId: "c1", brokers: [] };
    },
  };
  const found = await awaitTopic(admin, { topic: "events", log, stop: neverStop, retryMs: 1 });
  expect(found).toEqual({ identity: { clusterId: "c1", topic: "events", topicId: "id1" }, partitions: 1 });
  expect(lines.map(({ msg }) => msg)).toEqual([
    "Kafka does not answer; it is awaited",
    "the topic does not exist; it is awaited",
  ]);
});

test("a stop ends the wait at once, also while Kafka has not answered", async () => {
  const { promise: whenRequested, resolve } = Promise.withResolvers<void>();
  const stop = { requested: false, whenRequested };
  const admin = {
    describeTopic: () => new Promise<never>(() => {}),
    describeCluster: () => new Promise<never>(() => {}),
  };
  const waiting = awaitTopic(admin, { topic: "events", log: keptLog().log, stop });
  stop.requested = true;
  resolve();
  expect(await waiting).toBeNull();
});

test("lag counts what is in Kafka and not in the file", async () => {
  const { brokers, topic } = await newTopic(2);
  const admin = new Admin({ brokers, log: quiet });
  const group = new GroupOffsets({ brokers, group: `g-${topic}`, log: quiet });
  const producer = new Producer({ config: producerConfig(settings(brokers)), log: quiet });
  try {
    await publishAll(
      producer,
      Array.from({ length: 50 }, (_, i) => record(topic, `${i}`, { key: `k${i}` })),
    );
    const marks = await admin.watermarks(topic, [0, 1], 5000);
    const [high0, high1] = [marks[0]!.high, marks[1]!.high];
    expect(high0 + high1).toBe(50);
    const ask = (offsets: readonly (readonly [number, number])[], from: "earliest" | "latest" = "earliest") =>
      readLag(admin, group, {
        identity: { clusterId: "c", topic, topicId: null },
        from,
        offsets: new Map(offsets),
        timeoutMs: 5000,
      });
    // A broker that has only just started still loads its group coordinator.
    await until("the group coordinator there", () =>
      ask([]).then(
        () => true,
        () => false,
      ),
    );
    expect(await ask([])).toEqual(
      new Map([
        [0, high0],
        [1, high1],
      ]),
    );
    expect(await ask([], "latest")).toEqual(
      new Map([
        [0, 0],
        [1, 0],
      ]),
    );
    expect(
      await ask([
        [0, 4],
        [1, high1 - 1],
      ]),
    ).toEqual(
      new Map([
        [0, high0 - 5],
        [1, 0],
      ]),
    );
    expect(
      await readLag(admin, group, {
        identity: { clusterId: "c", topic: `${topic}-missing`, topicId: null },
        from: "earliest",
        offsets: new Map(),
        timeoutMs: 5000,
      }),
    ).toEqual(new Map());
  } finally {
    await producer.close(5000);
    await group.close();
    await admin.close();
  }
}, 60_000);

test("the report says rate, lag and totals, and gets by without an answer from Kafka", async () => {
  const { log, lines } = keptLog();
  let nowMs = 0;
  let totals = { lines: 0, bytes: 0, suppressedLines: 0 };
  let lag: () => Promise<Map<number, number>> = async () =>
    new Map([
      [0, 3],
      [1, 4],
    ]);
  const report = new Report({
    log,
    nowMs: () => nowMs,
    totals: () => totals,
    lag: () => lag(),
    workers: () => ({ running: 2, replaced: 1, handling: { handled: 0, retries: 0, deadLettered: 0 } }),
  });
  nowMs = 4000;
  totals = { lines: 1000, bytes: 200_000, suppressedLines: 7 };
  await report.finish();
  const common = {
    lines: 1000,
    bytes: 200_000,
    suppressed_lines: 7,
    workers: 2,
    restarts: 1,
    lines_per_s: 250,
    bytes_per_s: 50_000,
    msg: "finished",
  };
  expect(lines[0]).toMatchObject({ ...common, lag: { 0: 3, 1: 4 }, lag_total: 7 });
  lag = async () => {
    throw new Error("no broker");
  };
  await report.finish();
  expect(lines[1]).toMatchObject({ ...common, lag: null, lag_total: null });
});

test("--from latest: with all ends committed a partition without an offset is a new one, and read from its beginning", async () => {
  const fixture = new KafkaFixture();
  try {
    fixture.mock.createTopic("t", 2);
    const admin = { watermarks: async () => [0, 1].map((partition) => ({ partition, low: 0, high: 7 })) };
    const client = { brokers: fixture.mock.bootstrap, group: "g", log: quiet };
    const found = { identity: { clusterId: "c", topic: "t", topicId: null }, partitions: 2 };
    const commit = (...committed: readonly number[]) =>
      commitEnds(client, admin, { read: async () => new Map(committed.map((partition) => [partition, 3])) }, found);
    expect(await commit(0, 1)).toBe("earliest");
    expect(await commit(0)).toBe("earliest");
    // The group has members, say.
    fixture.mock.failNext("OffsetCommit", [UNKNOWN_MEMBER_ID]);
    expect(await commit(0)).toBe("latest");
  } finally {
    await fixture.close();
  }
}, 20_000);
