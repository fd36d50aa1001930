/**
 * A leader that goes while records wait in it for their acknowledgement: appended there and in the next leader's log, so they will be
 * in the topic, and the sender must not be told that they are not. librdkafka 2.15.1 says so; scripts/librdkafka.ts mends it.
 *
 * Three brokers: the leader, the follower that comes after it, and one that is stopped, whose acknowledgement is waited for. The topic
 * wants all three in sync, so the next leader refuses what is published again, and the delivery timeout has the last word.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, freePorts, startCluster } from "../../scripts/kafka/cluster.ts";
import { haltProcess, resumeProcess } from "../../scripts/kafka/processes.ts";
import { Admin, Producer, producerConfig } from "../../src/kafka/index.ts";
import type { Outcome } from "../../src/outcome.ts";
import { publishAll, quiet, readTopic, record, settings } from "../support/mock.ts";

const TIMEOUT_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "sluice-leader-loss-"));
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ brokers: 3, ports: await freePorts(3), dataFolder: folder });
}, TIMEOUT_MS);
afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
}, TIMEOUT_MS);

const stopped = new Set<number>();
function stop(id: number): Promise<void> {
  stopped.add(id);
  return haltProcess(broker(id));
}
function resume(id: number): void {
  if (stopped.delete(id)) resumeProcess(broker(id));
}
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const id of stopped) resume(id);
  await Promise.all(closers.splice(0).map((close) => close()));
});

const broker = (id: number) => cluster.brokers.find((one) => one.id === id)!;

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${TIMEOUT_MS} ms`);
    await Bun.sleep(20);
  }
}

const partitionOf = async (admin: Admin, topic: string) =>
  (await admin.describeTopic(topic, 5000).catch(() => null))?.partitions[0];

/** One partition, the three brokers by the order in which they would lead it, and producers that have published to it. */
async function newStage(producerCount: number, deliveryTimeoutMs: number) {
  const topic = `leader-loss-${crypto.randomUUID()}`;
  const admin = new Admin({ brokers: cluster.bootstrap, log: quiet });
  const makeProducer = () =>
    new Producer({
      // Often, so that the client hears of its leader's end while the record still has time.
      config: {
        ...producerConfig(settings(cluster.bootstrap, { deliveryTimeoutMs })),
        "topic.metadata.refresh.interval.ms": 500,
      },
      log: quiet,
    });
  const producers = Array.from({ length: producerCount }, makeProducer);
  closers.push(...[admin, ...producers].map((one) => () => one.close(1000)));
  await admin.createTopic({ topic, partitions: 1, replication: 3, config: { "min.insync.replicas": "3" } }, 10_000);
  const inSync = async () => {
    let partition: Awaited<ReturnType<typeof partitionOf>>;
    await until("in sync", async () => {
      partition = await partitionOf(admin, topic);
      return partition?.inSync.length === 3 && partition.leader !== null;
    });
    return partition!;
  };
  // Not asked once more: another broker may answer, which does not know the topic yet.
  const { replicas, leader } = await inSync();
  // The first in the list leads, unless it was not there yet when the topic was made; the next in it takes over.
  const [next, waitedFor] = replicas.filter((id) => id !== leader);
  const publishEach = (value: string) =>
    Promise.all(
      producers.map(async (producer, i) => (await publishAll(producer, [record(topic, `${value} ${i}`)]))[0]!),
    );
  expect(new Set((await publishEach("before")).map(({ status }) => status))).toEqual(new Set(["acked"]));
  return {
    topic,
    publishEach,
    /** Resolves when a follower has the last of them in its log. */
    replicated: async (id: number, value: string) => {
      for (const i of producers.keys()) await replicated(id, topic, `${value} ${i}`);
    },
    leader: leader!,
    next: next!,
    waitedFor: waitedFor!,
    inSync,
    /** All of it is there, once, and nobody was told that it is not. */
    expectHonest: async (told: readonly Outcome[]) => {
      let end = 0;
      // A leader that was just elected does not say at once.
      await until("the topic's end", async () => {
        end = (await admin.watermarks(topic, [0], 5000).catch(() => []))[0]?.high ?? 0;
        return end > producers.length;
      });
      const values = readTopic(cluster.bootstrap, topic, end).map(({ value }) => Buffer.from(value!).toString());
      const names = [...producers.keys()].flatMap((i) => [`before ${i}`, `kept ${i}`]);
      expect(values.toSorted()).toEqual(names.toSorted());
      for (const outcome of told) expect(outcome).toMatchObject({ status: "unknown", code: "delivery_unknown" });
    },
  };
}

/** How often a broker has become the leader of the topic's partition. */
const timesLed = (id: number, topic: string) =>
  readFileSync(broker(id).logFile, "utf8").split(`Leader ${topic}-0 `).length - 1;

function replicated(id: number, topic: string, value: string): Promise<void> {
  const log = join(folder, `broker-${id}`, "data", `${topic}-0`);
  return until(`${value} at broker ${id}`, () =>
    readdirSync(log).some((name) => name.endsWith(".log") && readFileSync(join(log, name)).includes(value)),
  );
}

// Several: where a client asks the frozen broker for the cluster's metadata, it hears nothing of all this, and says `unknown` anyway.
test("the leader stands still, is taken from the cluster, and the records are in its successor: unknown", async () => {
  const { publishEach, replicated, leader, next, waitedFor, inSync, expectHonest } = await newStage(8, 16_000);
  await stop(waitedFor);
  const told = publishEach("kept");
  await replicated(next, "kept");
  await stop(leader);
  resume(waitedFor);
  const outcomes = await told;
  resume(leader);
  await inSync();
  await expectHonest(outcomes);
}, 120_000);

test("the leader hands over in a controlled shutdown, and the record is in its successor: unknown", async () => {
  const { topic, publishEach, replicated, leader, next, waitedFor, inSync, expectHonest } = await newStage(1, 8000);
  await stop(waitedFor);
  const told = publishEach("kept");
  await replicated(next, "kept");
  // It may have led before: on a busy machine the first leader can lose its session while the topic is young.
  const before = timesLed(next, topic);
  const gone = cluster.stopBroker(leader);
  await until("a new leader", () => timesLed(next, topic) > before);
  resume(waitedFor);
  const outcomes = await told;
  await gone;
  await cluster.startBroker(leader);
  await inSync();
  await expectHonest(outcomes);
}, 120_000);
