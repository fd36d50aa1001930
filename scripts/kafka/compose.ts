/** Kafka in Docker: whether an engine answers, and the clusters of docker-compose.yml up and down. */
import { join } from "node:path";
import { indent, KafkaFailure } from "./failure.ts";
import { describeCluster } from "./metadata.ts";
import type { RunningCluster } from "./record.ts";

const PROJECT_FOLDER = join(import.meta.dir, "../..");
export const COMPOSE_FILE = join(PROJECT_FOLDER, "docker-compose.yml");

const ENGINE_ANSWER_MS = 10_000;
/** With the images still to be pulled. */
const UP_LIMIT_MS = 15 * 60_000;
const HEALTH_LIMIT_MS = 60_000;
const OUTPUT_TAIL_LINES = 25;

export interface ComposeCluster {
  readonly zookeeper: boolean;
  readonly version: string;
  readonly profile: string | undefined;
  /** To be started; what they depend on comes with them. */
  readonly services: readonly string[];
  readonly brokers: readonly { readonly service: string; readonly port: number }[];
}

/** What docker-compose.yml says; a test keeps the two together. */
export const COMPOSE_KRAFT: ComposeCluster = {
  zookeeper: false,
  version: "4.1.0",
  profile: undefined,
  services: ["kafka-1", "kafka-2", "kafka-3"],
  brokers: [
    { service: "kafka-1", port: 9092 },
    { service: "kafka-2", port: 9094 },
    { service: "kafka-3", port: 9096 },
  ],
};

export const COMPOSE_ZOOKEEPER: ComposeCluster = {
  zookeeper: true,
  version: "3.9 (Confluent 7.9.0)",
  profile: "zookeeper",
  services: ["zookeeper", "kafka-zookeeper"],
  brokers: [{ service: "kafka-zookeeper", port: 9192 }],
};

/** Why Docker cannot be used, or nothing where an engine (not just the client) answers and compose is there. */
export async function dockerProblem(): Promise<string | undefined> {
  if (!Bun.which("docker")) return "there is no docker on the PATH";
  const info = await docker(["info"], ENGINE_ANSWER_MS);
  if (info.exitCode !== 0) return "no Docker engine answers";
  const compose = await docker(["compose", "version"], ENGINE_ANSWER_MS);
  return compose.exitCode === 0 ? undefined : "docker has no compose plugin";
}

/** Starts the cluster and waits until each broker answers and sees the others. */
export async function composeUp(cluster: ComposeCluster, onProgress: (line: string) => void): Promise<RunningCluster> {
  onProgress(`docker compose up: ${cluster.services.join(", ")}`);
  const run = await compose(cluster, ["up", "--detach", "--wait", ...cluster.services]);
  if (run.exitCode !== 0) {
    const logs = await compose(cluster, ["logs", "--no-color", "--tail", String(OUTPUT_TAIL_LINES)]);
    throw new KafkaFailure(
      `docker compose up failed:\n${indent(tail(run.output))}\nIts logs:\n${indent(tail(logs.output))}`,
    );
  }
  return {
    engine: "docker",
    zookeeper: cluster.zookeeper,
    version: cluster.version,
    clusterId: await whenComplete(cluster),
    bootstrap: cluster.brokers.map(({ port }) => `127.0.0.1:${port}`).join(","),
    brokers: cluster.brokers.map(({ service, port }) => ({
      name: service,
      port,
      where: `docker compose logs ${service}`,
    })),
    processes: [],
  };
}

/** Stops every container of the project, also the application's: they share the network that goes away. */
export async function composeDown(cluster: ComposeCluster, o: { wipe: boolean }): Promise<void> {
  const run = await compose(cluster, ["--profile", "app", "down", ...(o.wipe ? ["--volumes"] : [])]);
  if (run.exitCode !== 0) throw new KafkaFailure(`docker compose down failed:\n${indent(tail(run.output))}`);
}

async function whenComplete(cluster: ComposeCluster): Promise<string> {
  const startedMs = performance.now();
  for (;;) {
    try {
      const views = await Promise.all(cluster.brokers.map(({ port }) => describeCluster(port)));
      const [first] = views;
      if (first && views.every((view) => view.brokers.length === cluster.brokers.length)) return first.clusterId;
    } catch {
      // Not yet: a published port is open before its broker is.
    }
    if (performance.now() - startedMs > HEALTH_LIMIT_MS) {
      throw new KafkaFailure(
        `the containers are up, but their brokers did not answer on 127.0.0.1 within ${HEALTH_LIMIT_MS / 1000} s`,
      );
    }
    await Bun.sleep(200);
  }
}

function compose(cluster: ComposeCluster, command: string[]) {
  const profile = cluster.profile ? ["--profile", cluster.profile] : [];
  return docker(
    ["compose", "--file", COMPOSE_FILE, "--project-directory", PROJECT_FOLDER, ...profile, ...command],
    UP_LIMIT_MS,
  );
}

async function docker(command: string[], timeoutMs: number): Promise<{ exitCode: number; output: string }> {
  const run = Bun.spawn(["docker", ...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const [output, errors, exitCode] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  return { exitCode, output: `${output}\n${errors}` };
}

function tail(output: string): string {
  return output.trim().split("\n").slice(-OUTPUT_TAIL_LINES).join("\n");
}
