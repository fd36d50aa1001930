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
function stop(id: number): void {
  process.kill(broker(id).pid, "SIGSTOP");
  stopped.add(id);
}
function resume(id: number): void {
  if (stopped.delete(id)) process.kill(broker(id).pid, "SIGCONT");
}
afterEach(() => {
  for (const id of stopped) resume(id);
});

const broker = (id: number) => cluster.brokers.find((one) => one.id === id)!;

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${TIMEOUT_MS} ms`);
    await Bun.sleep(20);
  }
}

/** One partition, one record in it already, and the three brokers by the order in which they would lead. */
async function newStage(deliveryTimeoutMs: number) {
  const topic = `leader-loss-${crypto.randomUUID()}`;
  const admin = new Admin({ brokers: cluster.bootstrap, log: quiet });
  const producer = new Producer({
    // Often, so that the client hears of its leader's end while the record still has time.
    config: {
      ...producerConfig(settings(cluster.bootstrap, { deliveryTimeoutMs })),
      "topic.metadata.refresh.interval.ms": 500,
    },
    log: quiet,
  });
  const inSync = async () => {
    const partition = (await admin.describeTopic(topic, 5000).catch(() => null))?.partitions[0];
    return partition?.leader === partition?.replicas[0] && partition?.inSync.length === 3;
  };
  await admin.createTopic({ topic, partitions: 1, replication: 3, config: { "min.insync.replicas": "3" } }, 10_000);
  await until("in sync", inSync);
  const replicas = (await admin.describeTopic(topic, 5000))!.partitions[0]!.replicas;
  expect((await publishAll(producer, [record(topic, "before")]))[0]!.status).toBe("acked");
  return {
    topic,
    producer,
    leader: replicas[0]!,
    next: replicas[1]!,
    waitedFor: replicas[2]!,
    inSync: () =>
      until("in sync again", async () => {
        const partition = (await admin.describeTopic(topic, 5000).catch(() => null))?.partitions[0];
        return partition?.inSync.length === 3 && partition.leader !== null;
      }),
    end: () => Promise.all([admin.close(), producer.close(1000)]),
  };
}

const outputOf = (id: number) => readFileSync(broker(id).logFile, "utf8");

/** Resolves when the follower has the value in its log. */
function replicated(id: number, topic: string, value: string): Promise<void> {
  const log = join(folder, `broker-${id}`, "data", `${topic}-0`);
  return until(`${value} at broker ${id}`, () =>
    readdirSync(log).some((name) => name.endsWith(".log") && readFileSync(join(log, name)).includes(value)),
  );
}

const valuesOf = (topic: string) =>
  readTopic(cluster.bootstrap, topic, 2).map(({ value }) => Buffer.from(value!).toString());

async function expectHonest(told: Outcome, topic: string): Promise<void> {
  expect(valuesOf(topic)).toEqual(["before", "kept"]);
  expect(told).toMatchObject({ status: "unknown", code: "delivery_unknown" });
}

test("the leader stands still, is taken from the cluster, and the record is in its successor: unknown", async () => {
  const { topic, producer, leader, next, waitedFor, inSync, end } = await newStage(16_000);
  stop(waitedFor);
  const told = publishAll(producer, [record(topic, "kept")]);
  await replicated(next, topic, "kept");
  stop(leader);
  resume(waitedFor);
  const [outcome] = await told;
  resume(leader);
  await inSync();
  await expectHonest(outcome!, topic);
  await end();
}, 120_000);

test("the leader hands over in a controlled shutdown, and the record is in its successor: unknown", async () => {
  const { topic, producer, leader, next, waitedFor, inSync, end } = await newStage(8000);
  stop(waitedFor);
  const told = publishAll(producer, [record(topic, "kept")]);
  await replicated(next, topic, "kept");
  const gone = cluster.stopBroker(leader);
  await until("a new leader", () => outputOf(next).includes(`Leader ${topic}-0 `));
  resume(waitedFor);
  const [outcome] = await told;
  await gone;
  await cluster.startBroker(leader);
  await inSync();
  await expectHonest(outcome!, topic);
  await end();
}, 120_000);
