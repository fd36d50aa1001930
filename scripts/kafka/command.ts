/**
 * `kafka up`, `down` and `status`: one cluster a data folder. Each prints what it did and returns the exit code; what it could
 * not do is thrown as a KafkaFailure, what was asked wrongly as a UsageError.
 */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError, type Values } from "../../src/options/core.ts";
import { kafkaCommandOptions } from "../../src/options/kafka-command.ts";
import { defaultPorts, startCluster } from "./cluster.ts";
import { COMPOSE_KRAFT, COMPOSE_ZOOKEEPER, composeDown, composeUp, dockerProblem } from "./compose.ts";
import { KafkaFailure } from "./failure.ts";
import { withLock } from "./lock.ts";
import { isRunning, stopProcess } from "./processes.ts";
import { deleteRecord, describeRecord, problemsOf, type RunningCluster, readRecord, writeRecord } from "./record.ts";

type Options = Values<typeof kafkaCommandOptions>;
type Print = (line: string) => void;
type Action = (options: Options, print: Print) => Promise<number>;

const EXIT_DOWN = 3;
/** Longer than a broker's own grace in a test: a cluster with data has more to flush. */
const STOP_GRACE_MS = 30_000;
const PROJECT_FOLDER = join(import.meta.dir, "../..");

export const actions: Readonly<Record<string, Action>> = {
  up: (options, print) => {
    if (options.wipe) throw new UsageError("--wipe belongs to `kafka down`");
    return locked(options, print, () => up(options, print));
  },
  down: (options, print) => locked(options, print, () => down(options, print)),
  status,
};

async function up(options: Options, print: Print): Promise<number> {
  const dataFolder = folderOf(options);
  const running = readRecord(dataFolder);
  if (running) {
    const problems = await problemsOf(running);
    if (problems.length === 0) return alreadyUp(running, options, print);
    print(`an earlier cluster is not whole (${problems.join("; ")}); stopping what is left of it`);
    await stop(running, { wipe: false });
    deleteRecord(dataFolder);
  }
  const startedMs = performance.now();
  const engine = await chooseEngine(options, print);
  const started = engine === "docker" ? await upInDocker(options, print) : await upFromJars(options, print);
  print(`Up after ${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${describeRecord(started)}`);
  print("Stop it with: bun run kafka down");
  return 0;
}

function alreadyUp(running: RunningCluster, options: Options, print: Print): number {
  const differs =
    (options.brokers !== undefined && options.brokers !== running.brokers.length) ||
    options.zookeeper !== running.zookeeper ||
    (options.port !== undefined && options.port !== running.brokers[0]?.port) ||
    (options.engine !== "auto" && options.engine !== running.engine);
  if (differs)
    throw new KafkaFailure(
      `another cluster is up than the one you ask for; \`bun run kafka down\` first.\n${describeRecord(running)}`,
    );
  print(`Already up: ${describeRecord(running)}`);
  return 0;
}

async function chooseEngine(options: Options, print: Print): Promise<"docker" | "jars"> {
  if (options.engine === "jars") return "jars";
  const jarsOnly = [
    ...(options.brokers === 1 ? ["--brokers 1"] : []),
    ...(options.brokers === 3 && options.zookeeper ? ["--brokers 3 --zookeeper"] : []),
    ...(options.port === undefined ? [] : ["--kafka-port"]),
    ...(options.heapMb === undefined ? [] : ["--kafka-heap-mb"]),
  ];
  if (options.engine === "docker") {
    if (jarsOnly.length > 0)
      throw new UsageError(
        `${jarsOnly.join(" and ")} cannot be had with --kafka-engine docker: docker-compose.yml says otherwise`,
      );
    const problem = await dockerProblem();
    if (problem)
      throw new KafkaFailure(`${problem}. Start one, or leave --kafka-engine docker out to run Kafka's own jars.`);
    return "docker";
  }
  const problem = jarsOnly.length > 0 ? `${jarsOnly.join(" and ")} asked for` : await dockerProblem();
  if (problem) print(`using Kafka's own jars (${problem})`);
  return problem ? "jars" : "docker";
}

async function upInDocker(options: Options, print: Print): Promise<RunningCluster> {
  const started = await composeUp(options.zookeeper ? COMPOSE_ZOOKEEPER : COMPOSE_KRAFT, print);
  writeRecord(folderOf(options), started);
  return started;
}

async function upFromJars(options: Options, print: Print): Promise<RunningCluster> {
  const brokers = options.brokers ?? 1;
  const cluster = await startCluster({
    brokers,
    zookeeper: options.zookeeper,
    ports: defaultPorts(brokers, options.port),
    dataFolder: join(folderOf(options), layoutName(options.zookeeper, brokers)),
    ...(options.heapMb === undefined ? {} : { heapMb: options.heapMb }),
    onProgress: print,
  });
  const started: RunningCluster = {
    engine: "jars",
    zookeeper: options.zookeeper,
    version: cluster.version,
    clusterId: cluster.clusterId,
    bootstrap: cluster.bootstrap,
    brokers: cluster.brokers.map(({ id, port, logFile }) => ({ name: `broker ${id}`, port, where: logFile })),
    processes: [...cluster.processes],
  };
  writeRecord(folderOf(options), started);
  cluster.release();
  return started;
}

async function down(options: Options, print: Print): Promise<number> {
  const dataFolder = folderOf(options);
  const running = readRecord(dataFolder);
  if (running) await stop(running, { wipe: options.wipe });
  deleteRecord(dataFolder);
  if (options.wipe) wipe(dataFolder);
  const stopped = running
    ? `Stopped: ${describeRecord(running)}`
    : `Nothing to stop: no record of a running Kafka in ${dataFolder}`;
  print(`${stopped}${options.wipe ? "\nIts data is deleted." : ""}`);
  return 0;
}

async function status(options: Options, print: Print): Promise<number> {
  if (options.wipe) throw new UsageError("--wipe belongs to `kafka down`");
  const running = readRecord(folderOf(options));
  const problems = running ? await problemsOf(running) : [];
  if (!running) print(`Down: no record of a running Kafka in ${folderOf(options)}`);
  else if (problems.length > 0)
    print(`Down, at least in part: ${problems.join("; ")}.\nIt was ${describeRecord(running)}`);
  else print(`Up: ${describeRecord(running)}`);
  return running && problems.length === 0 ? 0 : EXIT_DOWN;
}

async function stop(running: RunningCluster, o: { wipe: boolean }): Promise<void> {
  if (running.engine === "docker") return composeDown(running.zookeeper ? COMPOSE_ZOOKEEPER : COMPOSE_KRAFT, o);
  const isBroker = (name: string) => running.brokers.some((broker) => broker.name === name);
  const alive = running.processes.filter(isRunning);
  await Promise.all(alive.filter(({ name }) => isBroker(name)).map((one) => stopProcess(one, STOP_GRACE_MS)));
  for (const one of alive.filter(({ name }) => !isBroker(name))) await stopProcess(one, STOP_GRACE_MS);
}

/** Each kind of cluster keeps its data apart, so that changing between them needs no wiping. */
function layoutName(zookeeper: boolean, brokers: number): string {
  return `${zookeeper ? "zookeeper" : "kraft"}-${brokers}`;
}

/** Only what `up` made: the folder may be one that the user has other things in. */
function wipe(dataFolder: string): void {
  for (const zookeeper of [false, true]) {
    for (const brokers of [1, 3])
      rmSync(join(dataFolder, layoutName(zookeeper, brokers)), { recursive: true, force: true });
  }
}

function folderOf(options: Options): string {
  const isDefault = options.data === kafkaCommandOptions.data.defaultValue;
  return isDefault ? join(PROJECT_FOLDER, options.data) : resolve(options.data);
}

function locked(options: Options, print: Print, action: () => Promise<number>): Promise<number> {
  const waiting = () => print("another `kafka up` or `down` is at work on this folder; waiting for it");
  return withLock(join(folderOf(options), "lock"), waiting, action);
}
