/** What `kafka up` left running, kept as JSON in the data folder for `down` and `status`. It is written before the brokers are let go. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { KafkaFailure } from "./failure.ts";
import { describeCluster } from "./metadata.ts";
import { isRunning } from "./processes.ts";

const RunningClusterSchema = Type.Object({
  engine: Type.Union([Type.Literal("jars"), Type.Literal("docker")]),
  zookeeper: Type.Boolean(),
  version: Type.String(),
  clusterId: Type.String(),
  bootstrap: Type.String(),
  /** `where`: the log file, or with docker the service. */
  brokers: Type.Array(Type.Object({ name: Type.String(), port: Type.Integer(), where: Type.String() })),
  /** In the order in which they are to be stopped; none with docker. */
  processes: Type.Array(Type.Object({ name: Type.String(), pid: Type.Integer(), started: Type.String() })),
});

export type RunningCluster = Static<typeof RunningClusterSchema>;

function recordFile(dataFolder: string): string {
  return join(dataFolder, "running.json");
}

export function readRecord(dataFolder: string): RunningCluster | undefined {
  const file = recordFile(dataFolder);
  if (!existsSync(file)) return undefined;
  try {
    return Value.Decode(RunningClusterSchema, JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new KafkaFailure(
      `${file} cannot be read (${(cause as Error).message}). Stop what runs by hand, then delete that file.`,
    );
  }
}

export function writeRecord(dataFolder: string, cluster: RunningCluster): void {
  mkdirSync(dataFolder, { recursive: true });
  const file = recordFile(dataFolder);
  writeFileSync(`${file}.new`, `${JSON.stringify(cluster, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

export function deleteRecord(dataFolder: string): void {
  rmSync(recordFile(dataFolder), { force: true });
}

/** What is wrong with a recorded cluster, a sentence each; nothing where every process runs and every broker answers. */
export async function problemsOf(cluster: RunningCluster): Promise<string[]> {
  const ended = cluster.processes
    .filter((one) => !isRunning(one))
    .map((one) => `${one.name} (pid ${one.pid}) has ended`);
  const silent = await Promise.all(
    cluster.brokers.map(async ({ name, port }) => {
      try {
        const view = await describeCluster(port);
        if (view.clusterId !== cluster.clusterId)
          return `port ${port} belongs to another Kafka (cluster ${view.clusterId})`;
        const missing = cluster.brokers.length - view.brokers.length;
        return missing > 0 ? `${name} misses ${missing} of ${cluster.brokers.length} brokers` : undefined;
      } catch {
        return `${name} does not answer on port ${port}`;
      }
    }),
  );
  return [...ended, ...silent.filter((problem) => problem !== undefined)];
}

/** The cluster for a user to read: what it is, where it is, and where each broker's log is. */
export function describeRecord(cluster: RunningCluster): string {
  const { brokers, processes } = cluster;
  const kind = cluster.zookeeper ? "with ZooKeeper" : "without ZooKeeper";
  const lines = brokers.map(({ name, port, where }) => {
    const pid = processes.find((one) => one.name === name)?.pid;
    return `  ${name}  127.0.0.1:${port}  ${pid === undefined ? "" : `pid ${pid}  `}${where}`;
  });
  const others = processes.filter((one) => !brokers.some((broker) => broker.name === one.name));
  return [
    `Kafka ${cluster.version}, ${brokers.length === 1 ? "1 broker" : `${brokers.length} brokers`} ${kind}, ${cluster.engine === "jars" ? "from its own jars" : "in Docker"}`,
    `  KAFKA_BROKERS=${cluster.bootstrap}`,
    ...lines,
    ...others.map(({ name, pid }) => `  ${name}  pid ${pid}`),
  ].join("\n");
}
