/**
 * The door to a development Kafka: starts real brokers from Apache Kafka's own jars and hands back what stops, kills and
 * restarts them. The tests use it, and `bun run kafka up`. Brokers die with this process, however it dies, unless `release()`
 * was called (processes.ts says how).
 */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { BROKER_PORT_STEP, FIRST_BROKER_PORT } from "../../src/options/kafka-command.ts";
import type { SecuredListeners } from "./config.ts";
import { portIsTaken } from "./failure.ts";
import { jarFolder, KRAFT_RELEASE, ZOOKEEPER_RELEASE } from "./jars.ts";
import { findJava } from "./java.ts";
import { describeCluster } from "./metadata.ts";
import { type BrokerPlan, planKraft, planZookeeper } from "./plans.ts";
import { isPortTaken } from "./ports.ts";
import type { KnownProcess } from "./processes.ts";
import { Server, type ServerPlan } from "./server.ts";

export { freePorts } from "./ports.ts";

export interface ClusterOptions {
  brokers: 1 | 3;
  /** Kafka 2.8 with a ZooKeeper, instead of Kafka 4. */
  zookeeper?: boolean;
  /** A port for every broker, on 127.0.0.1; 9092, 9094, 9096 by default. */
  ports?: readonly number[];
  /** Holds one cluster; started again on the same folder with the same options, it has its data and its identity back. */
  dataFolder: string;
  heapMb?: number;
  /** Further listeners; for one broker of Kafka 4. */
  secured?: SecuredListeners;
  onProgress?: (line: string) => void;
}

export interface Cluster {
  readonly bootstrap: string;
  readonly version: string;
  readonly clusterId: string;
  /** As of now: a restarted broker has another pid. */
  readonly brokers: readonly (KnownProcess & { id: number; port: number; logFile: string })[];
  /** Every process, in the order in which they are to be stopped. */
  readonly processes: readonly (KnownProcess & { name: string })[];
  stop(): Promise<void>;
  /** SIGTERM (the default) is a controlled shutdown. Returns when the process is gone. */
  stopBroker(id: number, signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** With the same data and port; waits until it answers. Where most of three brokers are down, start two at once. */
  startBroker(id: number): Promise<void>;
  /** Lets the processes outlive this one. */
  release(): void;
}

export function defaultPorts(brokers: number, first = FIRST_BROKER_PORT): number[] {
  return Array.from({ length: brokers }, (_, index) => first + index * BROKER_PORT_STEP);
}

/** Resolves when every broker answers and sees all the others. Rejects with a KafkaFailure, and leaves nothing running then. */
export async function startCluster(o: ClusterOptions): Promise<Cluster> {
  const onProgress = o.onProgress ?? (() => {});
  const ports = o.ports ?? defaultPorts(o.brokers);
  if (ports.length !== o.brokers) throw new RangeError(`${o.brokers} brokers need as many ports, not ${ports.length}`);
  for (const port of ports) if (await isPortTaken(port)) throw portIsTaken(port);
  const release = o.zookeeper ? ZOOKEEPER_RELEASE : KRAFT_RELEASE;
  const java = await findJava();
  const jars = await jarFolder(release, onProgress);
  const folder = resolve(o.dataFolder);
  mkdirSync(folder, { recursive: true });
  const plan = {
    java: java.path,
    jars,
    folder,
    ports,
    heapMb: o.heapMb ?? (o.brokers === 1 ? 512 : 400),
    secured: o.secured,
  };
  const { zookeeper, brokers } = o.zookeeper
    ? await planZookeeper(plan)
    : { brokers: await planKraft(plan, onProgress) };
  const cluster = new JarCluster(release.version, brokers, zookeeper);
  onProgress(
    `starting ${o.brokers === 1 ? "a broker" : `${o.brokers} brokers`} of Kafka ${release.version} with Java ${java.major}`,
  );
  await cluster.start();
  return cluster;
}

class JarCluster implements Cluster {
  readonly version: string;
  clusterId = "";
  readonly #brokers: ReadonlyMap<number, { server: Server; plan: BrokerPlan }>;
  readonly #zookeeper: Server | undefined;

  constructor(version: string, brokers: readonly BrokerPlan[], zookeeper: ServerPlan | undefined) {
    this.version = version;
    this.#brokers = new Map(brokers.map((plan) => [plan.id, { server: new Server(plan), plan }]));
    this.#zookeeper = zookeeper && new Server(zookeeper);
  }

  get bootstrap(): string {
    return [...this.#brokers.values()].map(({ plan }) => `127.0.0.1:${plan.port}`).join(",");
  }

  get brokers() {
    return [...this.#brokers.values()].map(({ server, plan }) => ({
      id: plan.id,
      port: plan.port,
      pid: server.process.pid,
      started: server.process.started,
      logFile: plan.logFile,
    }));
  }

  get processes() {
    return this.#servers().map(({ plan, process: { pid, started } }) => ({ name: plan.name, pid, started }));
  }

  async start(): Promise<void> {
    try {
      await this.#zookeeper?.start();
      // All, even if one fails: what is still starting must be there to be stopped.
      const starts = await Promise.allSettled(
        [...this.#brokers.values()].map(({ server }) => server.start(this.#brokers.size)),
      );
      for (const start of starts) if (start.status === "rejected") throw start.reason;
      this.clusterId = (await describeCluster(this.brokers[0]?.port ?? 0)).clusterId;
    } catch (cause) {
      await Promise.all(this.#servers().map((server) => server.stop("SIGKILL")));
      throw cause;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#brokers.values()].map(({ server }) => server.stop()));
    await this.#zookeeper?.stop();
  }

  async stopBroker(id: number, signal?: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#server(id).stop(signal);
  }

  async startBroker(id: number): Promise<void> {
    await this.#server(id).start();
  }

  release(): void {
    for (const server of this.#servers()) server.process.release();
  }

  #server(id: number): Server {
    const broker = this.#brokers.get(id);
    if (!broker) throw new RangeError(`there is no broker ${id}`);
    return broker.server;
  }

  #servers(): Server[] {
    return [...[...this.#brokers.values()].map(({ server }) => server), ...(this.#zookeeper ? [this.#zookeeper] : [])];
  }
}
