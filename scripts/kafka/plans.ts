/**
 * What a development cluster consists of: for every Java process its folder, files and command line. Writes the
 * configuration files and formats the data folders of a new cluster; starts nothing that stays.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  kraftProperties,
  LOG4J1_PROPERTIES,
  LOG4J2_PROPERTIES,
  type SecuredListeners,
  ZOOKEEPER_SESSION_TIMEOUT_MS,
  zookeeperConfig,
  zookeeperModeProperties,
} from "./config.ts";
import { indent, KafkaFailure } from "./failure.ts";
import { classPath } from "./jars.ts";
import { describeCluster } from "./metadata.ts";
import { freePorts } from "./ports.ts";
import type { ServerPlan } from "./server.ts";
import { zookeeperAnswers } from "./zookeeper.ts";

export interface ClusterPlan {
  readonly java: string;
  readonly jars: string;
  readonly folder: string;
  readonly ports: readonly number[];
  readonly heapMb: number;
  readonly secured?: SecuredListeners | undefined;
}

export interface BrokerPlan extends ServerPlan {
  readonly id: number;
}

/** G1 with a short pause goal, as Kafka's own start script has it. */
const JVM_FLAGS = [
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-Djava.awt.headless=true",
];

/** Brokers that are controllers too, one quorum of all of them; a new cluster gets its id and its formatted folders here. */
export async function planKraft(o: ClusterPlan, onProgress: (line: string) => void): Promise<BrokerPlan[]> {
  const controllerPorts = await freePorts(o.ports.length);
  const voters = controllerPorts.map((controllerPort, index) => ({ id: index + 1, controllerPort }));
  const logging = `-Dlog4j2.configurationFile=${writeFile(o.folder, "log4j2.properties", LOG4J2_PROPERTIES)}`;
  const clusterId = ownClusterId(o.folder);
  const plans = o.ports.map((port, index): BrokerPlan => {
    const node = nodeFiles(o.folder, index + 1, port);
    writeFileSync(node.propertiesFile, kraftProperties(node, voters, o.secured));
    return brokerPlan(o, node, { logging: [logging], attempts: 1, clusterId });
  });
  const fresh = plans.filter(
    (plan) => !existsSync(join(nodeFiles(o.folder, plan.id, plan.port).dataFolder, "meta.properties")),
  );
  if (fresh.length > 0)
    onProgress(`formatting ${fresh.length === 1 ? "a data folder" : `${fresh.length} data folders`}`);
  await Promise.all(fresh.map((plan) => format(o, plan, { clusterId, logging })));
  return plans;
}

/** A ZooKeeper of its own and brokers that register there; Kafka makes the cluster's id itself. */
export async function planZookeeper(o: ClusterPlan): Promise<{ zookeeper: ServerPlan; brokers: BrokerPlan[] }> {
  const [zookeeperPort = 0] = await freePorts(1);
  const logging = [`-Dlog4j.configuration=file:${writeFile(o.folder, "log4j.properties", LOG4J1_PROPERTIES)}`];
  const folder = join(o.folder, "zookeeper");
  const configFile = writeFile(
    folder,
    "zoo.cfg",
    zookeeperConfig({ port: zookeeperPort, dataFolder: join(folder, "data") }),
  );
  const logFile = join(folder, "zookeeper.log");
  const flags = ["-Xmx128m", "-XX:+UseSerialGC", ...logging, `-Dkafka.log.file=${logFile}`];
  const zookeeper: ServerPlan = {
    name: "ZooKeeper",
    port: zookeeperPort,
    command: [
      o.java,
      ...flags,
      "-cp",
      classPath(o.jars),
      "org.apache.zookeeper.server.quorum.QuorumPeerMain",
      configFile,
    ],
    logFile,
    outputFile: join(folder, "output.log"),
    attempts: 1,
    isHealthy: () => zookeeperAnswers(zookeeperPort),
  };
  const brokers = o.ports.map((port, index) => {
    const node = nodeFiles(o.folder, index + 1, port);
    writeFileSync(node.propertiesFile, zookeeperModeProperties(node, { brokerCount: o.ports.length, zookeeperPort }));
    return brokerPlan(o, node, { logging, attempts: 1 + Math.ceil(ZOOKEEPER_SESSION_TIMEOUT_MS / 2_000) });
  });
  return { zookeeper, brokers };
}

type NodeFiles = ReturnType<typeof nodeFiles>;

function nodeFiles(clusterFolder: string, id: number, port: number) {
  const folder = join(clusterFolder, `broker-${id}`);
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  return {
    id,
    port,
    dataFolder: at("data"),
    propertiesFile: at("server.properties"),
    logFile: at("broker.log"),
    outputFile: at("output.log"),
  };
}

function brokerPlan(
  o: ClusterPlan,
  node: NodeFiles,
  how: { logging: string[]; attempts: number; clusterId?: string },
): BrokerPlan {
  const flags = [
    `-Xms${o.heapMb}m`,
    `-Xmx${o.heapMb}m`,
    ...JVM_FLAGS,
    ...how.logging,
    `-Dkafka.log.file=${node.logFile}`,
  ];
  return {
    name: `broker ${node.id}`,
    id: node.id,
    port: node.port,
    command: [o.java, ...flags, "-cp", classPath(o.jars), "kafka.Kafka", node.propertiesFile],
    logFile: node.logFile,
    outputFile: node.outputFile,
    attempts: how.attempts,
    async isHealthy(peers) {
      const view = await describeCluster(node.port);
      const isOurs = how.clusterId === undefined || view.clusterId === how.clusterId;
      const isRegistered = view.brokers.some((broker) => broker.id === node.id && broker.port === node.port);
      return isOurs && isRegistered && view.controllerId >= 0 && view.brokers.length >= peers;
    },
  };
}

/** Formatting gives the data folder its identity; Kafka refuses to start without. */
async function format(o: ClusterPlan, plan: BrokerPlan, how: { clusterId: string; logging: string }): Promise<void> {
  const node = nodeFiles(o.folder, plan.id, plan.port);
  const flags = [
    "-Xmx128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    how.logging,
    `-Dkafka.log.file=${plan.logFile}`,
  ];
  const tool = [
    "kafka.tools.StorageTool",
    "format",
    "--cluster-id",
    how.clusterId,
    "--config",
    node.propertiesFile,
    "--ignore-formatted",
    ...(o.secured?.scramUser ? ["--add-scram", `SCRAM-SHA-256=[${o.secured.scramUser}]`] : []),
  ];
  const run = Bun.spawn([o.java, ...flags, "-cp", classPath(o.jars), ...tool], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  const [output, errors, exitCode] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  if (exitCode !== 0)
    throw new KafkaFailure(`formatting ${node.dataFolder} failed:\n${indent(`${errors}\n${output}`.trim())}`);
}

/** The id a cluster without ZooKeeper was formatted with: 16 random bytes, kept in the cluster's folder. */
function ownClusterId(folder: string): string {
  const file = join(folder, "cluster-id");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  // Kafka's tools would take a leading hyphen for an option.
  let id = "-";
  while (id.startsWith("-")) id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  writeFile(folder, "cluster-id", `${id}\n`);
  return id;
}

function writeFile(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
