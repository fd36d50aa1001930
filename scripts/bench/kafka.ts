/** The Kafka that is measured with: one's own, or a broker started for the purpose; its topics, and how many records they hold. */
import { Admin, ensureTopic } from "../../src/kafka/index.ts";
import { freePorts, startCluster } from "../kafka/cluster.ts";
import { classPath, jarFolder, KRAFT_RELEASE } from "../kafka/jars.ts";
import { findJava } from "../kafka/java.ts";
import { isRunning } from "../kafka/processes.ts";
import { atEnd, temporaryFolder } from "./at-end.ts";

const TIMEOUT_MS = 30_000;
const SETTLE_MS = 250;

export interface BenchKafka {
  readonly brokers: string;
  readonly version: string;
  /** Processes whose CPU counts as Kafka's; none where the brokers are elsewhere. */
  readonly pids: readonly number[];
  /** A new topic. */
  createTopic(partitions: number): Promise<string>;
  /** Records that the topic has got so far: the sum of its high watermarks. */
  records(topic: string): Promise<number>;
  /** The same, once at least that many are there, or no more have come for a while. */
  settledRecords(topic: string, atLeast: number): Promise<number>;
  stop(): Promise<void>;
}

export async function startKafka(given: string | undefined, say: (line: string) => void): Promise<BenchKafka> {
  if (given !== undefined) return new Topics(given, "not known (given brokers)", [], async () => {});
  const folder = temporaryFolder("kafka");
  const cluster = await startCluster({
    brokers: 1,
    ports: await freePorts(1),
    dataFolder: folder.path,
    heapMb: 1024,
    onProgress: say,
  });
  // It would end with this process by itself, but after it, with its folder still in use.
  const kill = atEnd(() => {
    for (const known of cluster.processes.filter(isRunning)) process.kill(known.pid, "SIGKILL");
  });
  return new Topics(
    cluster.bootstrap,
    cluster.version,
    cluster.brokers.map(({ pid }) => pid),
    async () => {
      await cluster.stop();
      kill();
      folder.remove();
    },
  );
}

class Topics implements BenchKafka {
  readonly brokers: string;
  readonly version: string;
  readonly pids: readonly number[];
  readonly #admin: Admin;
  readonly #stop: () => Promise<void>;
  readonly #partitions = new Map<string, readonly number[]>();

  constructor(brokers: string, version: string, pids: readonly number[], stop: () => Promise<void>) {
    this.brokers = brokers;
    this.version = version;
    this.pids = pids;
    this.#stop = stop;
    this.#admin = new Admin({ brokers, log: () => {} });
  }

  async createTopic(partitions: number): Promise<string> {
    const topic = `bench-${crypto.randomUUID()}`;
    await ensureTopic(this.#admin, { topic, partitions, replication: undefined }, TIMEOUT_MS);
    this.#partitions.set(
      topic,
      Array.from({ length: partitions }, (_, partition) => partition),
    );
    return topic;
  }

  async records(topic: string): Promise<number> {
    const watermarks = await this.#admin.watermarks(topic, this.#partitions.get(topic) ?? [], TIMEOUT_MS);
    return watermarks.reduce((total, { high }) => total + high, 0);
  }

  async settledRecords(topic: string, atLeast: number): Promise<number> {
    // A server that answers before Kafka does (the FastAPI baseline) still has some on the way. There is no event to wait for.
    let before = -1;
    for (let now = await this.records(topic); now < atLeast && now !== before; now = await this.records(topic)) {
      before = now;
      await Bun.sleep(SETTLE_MS);
    }
    return this.records(topic);
  }

  async stop(): Promise<void> {
    await this.#admin.close();
    await this.#stop();
  }
}

/** How one of Kafka's own tools is run, from the jars. */
export async function kafkaTool(mainClass: string, say: (line: string) => void): Promise<string[]> {
  const { path } = await findJava();
  const jars = await jarFolder(KRAFT_RELEASE, say);
  // The heap that Kafka's own scripts give it.
  return [path, "-Xmx512M", "-cp", classPath(jars), mainClass];
}
