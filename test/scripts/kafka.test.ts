/**
 * The development Kafka with real brokers: the door the tests use, and the command as a process with its exit codes.
 * Every cluster here has a folder and ports of its own, so that it meets neither the developer's Kafka nor another run.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, freePorts, startCluster } from "../../scripts/kafka/cluster.ts";
import { javaMajor } from "../../scripts/kafka/java.ts";
import { withLock } from "../../scripts/kafka/lock.ts";
import { describeCluster } from "../../scripts/kafka/metadata.ts";
import { isPortTaken } from "../../scripts/kafka/ports.ts";
import { isRunning, processStart } from "../../scripts/kafka/processes.ts";
import { environmentName } from "../../src/options/core.ts";
import { kafkaCommandOptions } from "../../src/options/kafka-command.ts";

const root = join(import.meta.dir, "../..");
const scratch = mkdtempSync(join(tmpdir(), "sluice-kafka-test-"));
/** Generous: the first run fetches the jars. */
const CLUSTER_LIMIT_MS = 180_000;

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function expectGone(cluster: Cluster): Promise<void> {
  expect(cluster.processes.filter(isRunning)).toEqual([]);
  expect(await Promise.all(cluster.brokers.map(({ port }) => isPortTaken(port)))).not.toContain(true);
}

describe("startCluster", () => {
  test(
    "one broker: answers, keeps its identity over a restart, and leaves nothing behind",
    async () => {
      const [port = 0] = await freePorts(1);
      const cluster = await startCluster({ brokers: 1, ports: [port], dataFolder: join(scratch, "one") });
      try {
        const view = await describeCluster(port);
        expect(cluster.bootstrap).toBe(`127.0.0.1:${port}`);
        expect(view.clusterId).toBe(cluster.clusterId);
        expect(view.brokers).toEqual([{ id: 1, host: "127.0.0.1", port }]);
        const before = cluster.brokers[0]?.pid;

        await cluster.stopBroker(1);
        await expectGone(cluster);
        await cluster.startBroker(1);
        expect((await describeCluster(port)).clusterId).toBe(cluster.clusterId);
        expect(cluster.brokers[0]?.pid).not.toBe(before);

        const log = readFileSync(cluster.brokers[0]?.logFile ?? "", "utf8");
        expect(log).toContain("Kafka Server started");
        expect(log.length).toBeLessThan(1_000_000);
      } finally {
        await cluster.stop();
      }
      await expectGone(cluster);
    },
    CLUSTER_LIMIT_MS,
  );

  test(
    "three brokers: each sees all, a killed one comes back, and all stop",
    async () => {
      const ports = await freePorts(3);
      const cluster = await startCluster({ brokers: 3, ports, dataFolder: join(scratch, "three") });
      try {
        for (const port of ports)
          expect((await describeCluster(port)).brokers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
        await cluster.stopBroker(2, "SIGKILL");
        expect(await isPortTaken(ports[1] ?? 0)).toBe(false);
        await cluster.startBroker(2);
        expect((await describeCluster(ports[1] ?? 0)).clusterId).toBe(cluster.clusterId);
      } finally {
        await cluster.stop();
      }
      await expectGone(cluster);
    },
    CLUSTER_LIMIT_MS,
  );

  test(
    "with ZooKeeper: the same door, an old Kafka",
    async () => {
      const ports = await freePorts(1);
      const cluster = await startCluster({
        brokers: 1,
        zookeeper: true,
        ports,
        dataFolder: join(scratch, "zookeeper"),
      });
      try {
        expect(cluster.version).toBe("2.8.2");
        expect(cluster.processes.map(({ name }) => name)).toEqual(["broker 1", "ZooKeeper"]);
        expect((await describeCluster(ports[0] ?? 0)).clusterId).toBe(cluster.clusterId);
      } finally {
        await cluster.stop();
      }
      await expectGone(cluster);
    },
    CLUSTER_LIMIT_MS,
  );

  test("a taken port is named, with the ways out", async () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      const start = startCluster({ brokers: 1, ports: [listener.port], dataFolder: join(scratch, "taken") });
      expect(start).rejects.toThrow(new RegExp(`port ${listener.port} .* is in use.*KAFKA_BROKERS`));
      await start.catch(() => {});
    } finally {
      listener.stop(true);
    }
  });
});

describe("bun run kafka", () => {
  const data = join(scratch, "command");
  // A PORT meant for serve, say, is none of these tests' business; an empty variable counts as unset.
  const unset = Object.fromEntries(Object.values(kafkaCommandOptions).map(({ flag }) => [environmentName(flag), ""]));

  async function kafka(command: string[], environment: Record<string, string> = {}) {
    const run = Bun.spawn([process.execPath, join(root, "scripts/kafka.ts"), ...command], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...unset, ...environment },
    });
    const [output, errors, exitCode] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    return { exitCode, output, errors };
  }

  test(
    "up, up again, status, down: exit codes and what is left",
    async () => {
      const [port = 0] = await freePorts(1);
      const flags = ["--kafka-data", data, "--kafka-engine", "jars"];
      expect(await kafka(["status", ...flags])).toMatchObject({ exitCode: 3 });
      try {
        const up = await kafka(["up", ...flags, "--kafka-port", String(port), "--kafka-heap-mb", "256"]);
        expect(up).toMatchObject({ exitCode: 0, errors: "" });
        expect(up.output).toContain(`KAFKA_BROKERS=127.0.0.1:${port}`);
        const pid = Number(/pid (\d+)/.exec(up.output)?.[1]);
        expect(processStart(pid)).toBeDefined();
        const { clusterId } = await describeCluster(port);

        const again = await kafka(["up", ...flags]);
        expect(again.exitCode).toBe(0);
        expect(again.output).toContain("Already up");
        const other = await kafka(["up", ...flags, "--brokers", "3"]);
        expect(other.exitCode).toBe(1);
        expect(other.errors).toContain("another cluster is up");
        const status = await kafka(["status", ...flags]);
        expect(status).toMatchObject({ exitCode: 0 });
        expect(status.output).toContain(`pid ${pid}`);

        process.kill(pid, "SIGKILL");
        const broken = await kafka(["status", ...flags]);
        expect(broken.exitCode).toBe(3);
        expect(broken.output).toContain("broker 1");
        const repaired = await kafka(["up", ...flags, "--kafka-port", String(port)]);
        expect(repaired.exitCode).toBe(0);
        expect((await describeCluster(port)).clusterId).toBe(clusterId);
      } finally {
        expect(await kafka(["down", ...flags, "--wipe"])).toMatchObject({ exitCode: 0, errors: "" });
      }
      expect(await isPortTaken(port)).toBe(false);
      expect(existsSync(join(data, "kraft-1"))).toBe(false);
      expect(await kafka(["status", ...flags])).toMatchObject({ exitCode: 3 });
      expect(await kafka(["down", ...flags])).toMatchObject({ exitCode: 0 });
    },
    CLUSTER_LIMIT_MS,
  );

  test.each([
    [[], "up|down|status"],
    [["restart"], '"restart"'],
    [["up", "--brokers", "2"], "--brokers must be one of 1, 3"],
    [["up", "--kafka-port", "80"], "--kafka-port must be a whole number from 1024"],
    [["up", "--colour"], "--colour"],
    [["up", "--wipe"], "--wipe belongs to"],
    [["up", "--kafka-engine", "docker", "--brokers", "1", "--kafka-data", data], "--brokers 1"],
  ])("%p is refused with exit 2", async (command, sentence) => {
    const run = await kafka(command);
    expect(run.exitCode).toBe(2);
    expect(run.errors).toContain(sentence);
  });

  test("--help shows the options", async () => {
    const run = await kafka(["--help"]);
    expect(run.exitCode).toBe(0);
    expect(run.output).toContain("--zookeeper");
  });

  test("without Java it says what to install, and what to set instead", async () => {
    const [port = 0] = await freePorts(1);
    const run = await kafka(["up", "--kafka-data", data, "--kafka-port", String(port)], {
      PATH: scratch,
      JAVA_HOME: "",
    });
    expect(run.exitCode).toBe(1);
    for (const word of ["Java 17", "apt-get install", "dnf install", "brew install", "KAFKA_BROKERS"])
      expect(run.errors).toContain(word);
  });
});

test("java -version is understood, old and new", () => {
  expect(javaMajor('openjdk version "17.0.15" 2025-04-15')).toBe(17);
  expect(javaMajor('openjdk version "21" 2023-09-19')).toBe(21);
  expect(javaMajor('java version "1.8.0_412"')).toBe(8);
  expect(javaMajor("The operation couldn't be completed. Unable to locate a Java Runtime.")).toBeUndefined();
});

test("a lock is held by one, and given back when its holder is killed", async () => {
  const file = join(scratch, "locks/lock");
  const holder = `
    const { withLock } = await import(${JSON.stringify(join(root, "scripts/kafka/lock.ts"))});
    await withLock(${JSON.stringify(file)}, () => {}, async () => { console.log("held"); await Bun.sleep(60_000); });`;
  const run = Bun.spawn([process.execPath, "-e", holder], { stdout: "pipe", stdin: "ignore" });
  await run.stdout.getReader().read();
  let waits = 0;
  const next = withLock(
    file,
    () => {
      waits++;
      run.kill("SIGKILL");
    },
    async () => "mine",
  );
  expect(await next).toBe("mine");
  expect(waits).toBe(1);
});
