/**
 * The Kafka that the tests run against: `KAFKA_BROKERS` where it is set (the compose cluster, say), else one broker that is
 * started on first use, from Apache Kafka's own jars, and ends with the run. Which one it was is printed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, freePorts, startCluster } from "../../scripts/kafka/cluster.ts";
import { Admin, ensureTopic, library } from "../../src/kafka/index.ts";

interface TestKafka {
  readonly brokers: string;
  readonly stop: () => Promise<void>;
}

let started: Promise<TestKafka> | undefined;

/** "host:port,…" of a real Kafka. */
export async function kafkaBrokers(): Promise<string> {
  started ??= start();
  return (await started).brokers;
}

/** For the preload's `afterAll`. */
export async function stopTestKafka(): Promise<void> {
  await (await started?.catch(() => undefined))?.stop();
}

async function start(): Promise<TestKafka> {
  const given = process.env.KAFKA_BROKERS;
  if (given) {
    say(`tests run against the Kafka at ${given} (KAFKA_BROKERS)`);
    return { brokers: given, stop: async () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-kafka-"));
  const cluster: Cluster = await startCluster({ brokers: 1, ports: await freePorts(1), dataFolder: folder });
  say(`tests run against Apache Kafka ${cluster.version}, started for them at ${cluster.bootstrap}`);
  return {
    brokers: cluster.bootstrap,
    stop: async () => {
      await cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function say(line: string): void {
  process.stderr.write(`${line}; librdkafka ${library().info.version}\n`);
}

/** A topic of its own for a test, on the real Kafka. */
export async function newTopic(partitions = 4): Promise<{ brokers: string; topic: string }> {
  const brokers = await kafkaBrokers();
  const topic = `test-${crypto.randomUUID()}`;
  const admin = new Admin({ brokers, log: () => {} });
  try {
    await ensureTopic(admin, { topic, partitions, replication: undefined }, 15_000);
  } finally {
    await admin.close();
  }
  return { brokers, topic };
}
