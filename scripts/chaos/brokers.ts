/** The three brokers, and what can be done to them. One cluster serves all scenarios of a run; each has a topic of its own. */
import { Admin } from "../../src/kafka/index.ts";
import { type Cluster, freePorts, startCluster } from "../kafka/cluster.ts";
import { classPath, jarFolder, KRAFT_RELEASE } from "../kafka/jars.ts";
import { findJava } from "../kafka/java.ts";
import { haltProcess, type KnownProcess, resumeProcess } from "../kafka/processes.ts";

const REQUEST_TIMEOUT_MS = 5000;
const POLL_MS = 200;
const IN_SYNC_LIMIT_MS = 90_000;

export class Brokers {
  readonly #cluster: Cluster;
  readonly #admin: Admin;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#admin = new Admin({ brokers: cluster.bootstrap, log: () => {} });
  }

  static async start(dataFolder: string, onProgress: (line: string) => void): Promise<Brokers> {
    return new Brokers(await startCluster({ brokers: 3, ports: await freePorts(3), dataFolder, onProgress }));
  }

  get bootstrap(): string {
    return this.#cluster.bootstrap;
  }

  get version(): string {
    return this.#cluster.version;
  }

  get ids(): number[] {
    return this.#cluster.brokers.map(({ id }) => id);
  }

  /** Leads the topic's first partition, or leads none of its partitions. */
  async find(topic: string, role: "leader" | "follower"): Promise<number> {
    const partitions = (await this.#admin.describeTopic(topic, REQUEST_TIMEOUT_MS))?.partitions ?? [];
    const leaders = new Set(partitions.map(({ leader }) => leader));
    const found = role === "leader" ? partitions[0]?.leader : this.ids.find((id) => !leaders.has(id));
    if (found === undefined || found === null) throw new Error(`${topic} has no ${role}`);
    return found;
  }

  kill(id: number): Promise<void> {
    return this.#cluster.stopBroker(id, "SIGKILL");
  }

  /** With its data; all at once where there are several, since one alone of three finds no quorum. */
  async restart(ids: readonly number[] = this.ids): Promise<void> {
    await Promise.all(ids.map((id) => this.#cluster.startBroker(id)));
  }

  async killAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.kill(id)));
  }

  halt(id: number): Promise<void> {
    return haltProcess(this.#process(id));
  }

  resume(id: number): void {
    resumeProcess(this.#process(id));
  }

  #process(id: number): KnownProcess {
    return this.#cluster.brokers.find((broker) => broker.id === id)!;
  }

  /** Resolves when every replica of the topic is in sync and led: what the next fault may be done to. */
  async whenInSync(topic: string): Promise<void> {
    const deadline = performance.now() + IN_SYNC_LIMIT_MS;
    for (;;) {
      const topicNow = await this.#admin.describeTopic(topic, REQUEST_TIMEOUT_MS).catch(() => null);
      const isWhole = topicNow?.partitions.every(
        ({ leader, replicas, inSync }) => leader !== null && inSync.length === replicas.length,
      );
      if (isWhole) return;
      if (performance.now() > deadline)
        throw new Error(`the replicas of ${topic} were not in sync within ${IN_SYNC_LIMIT_MS} ms`);
      await Bun.sleep(POLL_MS);
    }
  }

  async raisePartitions(topic: string, partitions: number): Promise<void> {
    const [java, jars] = [await findJava(), await jarFolder(KRAFT_RELEASE, () => {})];
    const tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", this.bootstrap, "--alter"];
    const run = Bun.spawn(
      [java.path, "-Xmx128m", "-cp", classPath(jars), ...tool, "--topic", topic, "--partitions", String(partitions)],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: 60_000, killSignal: "SIGKILL" },
    );
    const [output, errors, code] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    if (code !== 0) throw new Error(`the partitions of ${topic} could not be raised: ${errors}${output}`);
  }

  /** Nothing of it stays; its data is worth nothing any more. */
  async end(): Promise<void> {
    await this.#admin.close();
    await this.killAll();
  }
}
