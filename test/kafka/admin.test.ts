import { afterEach, beforeEach, expect, test } from "bun:test";
import { CODES, GroupOffsets, KafkaError, Reachability } from "../../src/kafka/index.ts";
import { KafkaFixture, publishAll, quiet, record } from "../support/mock.ts";

let kafka: KafkaFixture;
beforeEach(() => {
  kafka = new KafkaFixture(3);
  kafka.mock.createTopic("events", 4);
});
afterEach(() => kafka.close());

test("describes the cluster and a topic; a topic that is not there is null", async () => {
  const admin = kafka.admin();
  const cluster = await admin.describeCluster(5000);
  expect(cluster.clusterId).toStartWith("mockCluster");
  expect(cluster.brokers.map((b) => b.id).sort()).toEqual([1, 2, 3]);
  expect(cluster.brokers.every((b) => b.host === "127.0.0.1" && b.port > 0)).toBe(true);
  const topic = await admin.describeTopic("events", 5000);
  expect(topic!.partitions.map((p) => p.partition)).toEqual([0, 1, 2, 3]);
  expect(topic!.partitions.every((p) => p.leader !== null && p.replicas.length === 3 && p.inSync.length === 3)).toBe(
    true,
  );
  expect(await admin.describeTopic("nothing-here", 5000)).toBeNull();
});

test("watermarks and a group's offsets", async () => {
  const admin = kafka.admin("nobody");
  await publishAll(
    kafka.producer(),
    Array.from({ length: 10 }, () => record("events", "x", { key: "same" })),
  );
  const marks = await admin.watermarks("events", [0, 1, 2, 3], 5000);
  expect(marks.map((m) => m.high - m.low).sort()).toEqual([0, 0, 0, 10]);
  expect(await admin.groupOffsets("events", [0, 1, 2, 3], 5000)).toEqual(new Map());
});

test("a coordinator that has moved is an error, not a crash; without a group there is nothing to ask about", async () => {
  const admin = kafka.admin("g");
  expect(await admin.groupOffsets("events", [0], 5000)).toEqual(new Map());
  kafka.mock.failNext("OffsetFetch", [CODES.ERR_NOT_COORDINATOR]);
  const failed = await admin.groupOffsets("events", [0], 5000).catch((cause: unknown) => cause);
  expect((failed as KafkaError).codeName).toStartWith("ERR_NOT_COORDINATOR");
  expect(await admin.groupOffsets("events", [0], 5000)).toEqual(new Map());
  expect(await kafka.admin().groupOffsets("events", [0], 5000).catch(String)).toContain("without a group");
});

test("a group's offsets are found again after its coordinator has moved", async () => {
  const offsets = new GroupOffsets({ brokers: kafka.mock.bootstrap, group: "g", log: quiet });
  try {
    expect(await offsets.read("events", [0], 5000)).toEqual(new Map());
    kafka.mock.failNext("OffsetFetch", [CODES.ERR_NOT_COORDINATOR]);
    const failed = await offsets.read("events", [0], 5000).catch((cause: unknown) => cause);
    expect(failed).toMatchObject({ code: CODES.ERR_NOT_COORDINATOR });
    expect(await offsets.read("events", [0], 5000)).toEqual(new Map());
  } finally {
    await offsets.close();
  }
  expect(await offsets.read("events", [0], 5000).catch(String)).toContain("closed");
});

test("a request without an answer rejects with the package's name for the error", async () => {
  const admin = kafka.admin();
  await admin.describeCluster(5000);
  kafka.mock.setDown();
  const failed = await admin.describeCluster(500).catch((cause: unknown) => cause);
  expect(failed).toBeInstanceOf(KafkaError);
  expect((failed as KafkaError).codeName).toMatch(/^ERR__(TIMED_OUT|TRANSPORT)$/);
  kafka.mock.setUp();
});

test("close rejects what waits", async () => {
  const admin = kafka.admin();
  kafka.mock.setDown();
  const waiting = admin.describeCluster(5000);
  const closed = admin.close();
  expect(waiting).rejects.toThrow("closed");
  await closed;
});

test("reachability follows the cluster away and back", async () => {
  const admin = kafka.admin();
  const changes: boolean[] = [];
  let onChange = () => {};
  const reachability = new Reachability({
    admin,
    intervalMs: 50,
    timeoutMs: 300,
    onChange: (isReachable) => {
      changes.push(isReachable);
      onChange();
    },
  });
  const change = (count: number) =>
    new Promise<void>((resolve) => {
      onChange = () => changes.length >= count && resolve();
      onChange();
    });
  await change(1);
  expect(reachability.awayMs).toBe(0);
  kafka.mock.setDown();
  await change(2);
  expect(reachability.isReachable).toBe(false);
  kafka.mock.setUp();
  await change(3);
  expect(changes).toEqual([true, false, true]);
  reachability.stop();
}, 20_000);

test("a broker that stands still, while others answer, is no outage for long", async () => {
  const reachability = new Reachability({ admin: kafka.admin(), intervalMs: 50, timeoutMs: 300, onChange: () => {} });
  const turns = async (condition: () => boolean, limitMs: number) => {
    const deadline = performance.now() + limitMs;
    while (!condition() && performance.now() < deadline) await Bun.sleep(10);
    return condition();
  };
  try {
    // Whichever it is that was asked last.
    for (const broker of [1, 2, 3]) {
      expect(await turns(() => reachability.isReachable, 5000)).toBe(true);
      kafka.mock.setRoundTrip(20_000, broker);
      await turns(() => !reachability.isReachable, 1000);
      expect(await turns(() => reachability.isReachable, 5000)).toBe(true);
      kafka.mock.setRoundTrip(0, broker);
    }
  } finally {
    reachability.stop();
  }
}, 40_000);

test("while the controller stands still, a broker that answers is asked about topics", async () => {
  const admin = kafka.admin();
  const { brokers } = await admin.describeCluster(5000);
  // The mock's controller.
  kafka.mock.setRoundTrip(20_000, 1);
  const failed = await admin.describeTopic("events", 300).catch((cause: unknown) => cause);
  expect(failed).toMatchObject({ code: CODES.ERR__TIMED_OUT });
  for (const { id } of brokers.filter((broker) => broker.id !== 1)) {
    await admin.describeCluster(5000, id);
    expect((await admin.describeTopic("events", 5000))!.partitions.length).toBe(4);
  }
  kafka.mock.setRoundTrip(0, 1);
}, 20_000);
