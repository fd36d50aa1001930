/** The HTTP servers that are put under load: serve of some tree, and what it is compared with. */
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../../src/cache.ts";
import type { BaselineName } from "../../src/options/bench.ts";
import { freePorts } from "../kafka/cluster.ts";
import { Child } from "./child.ts";
import { BenchFailure } from "./failure.ts";
import { PROJECT_FOLDER, type Tree } from "./trees.ts";

export interface Target {
  readonly brokers: string;
  readonly topic: string;
}

export interface ServerKind {
  readonly label: string;
  /** Whether what it answers with 2xx has to be in the topic. */
  readonly keepsEvents: boolean;
  /** What it may end with after SIGTERM. */
  readonly goodExits: readonly number[];
  readonly start: (target: Target) => Promise<Server>;
}

export interface Server {
  readonly child: Child;
  readonly url: string;
}

/** `processes`: how many of them have to say that they are ready. */
export function serveOf(tree: Tree, args: readonly string[] = [], processes = 1): ServerKind {
  return {
    label: tree.label("serve"),
    keepsEvents: true,
    goodExits: [0],
    async start({ brokers, topic }) {
      const kafka = ["--kafka-brokers", brokers, "--kafka-topic", topic];
      // Not 0: several processes have to agree on one.
      const [port] = await freePorts(1);
      const command = [process.execPath, join(tree.folder, "src/serve.ts"), ...kafka, "--port", `${port}`, ...args];
      const child = new Child({ name: tree.label("serve"), command });
      const [[, url = ""]] = await Promise.all([
        child.logged(/"url":"(http[^"]+)"/),
        child.logged(new RegExp(`(?:"msg":"Kafka is reachable"[^]*){${processes}}`)),
        child.logged(new RegExp(`(?:"msg":"found the topic"[^]*){${processes}}`)),
      ]);
      return { child, url };
    },
  };
}

export const BASELINES: Readonly<Record<BaselineName, ServerKind>> = {
  bare: {
    label: "bare Bun.serve",
    keepsEvents: false,
    goodExits: [0],
    async start() {
      const command = [process.execPath, join(PROJECT_FOLDER, "bench/baselines/bare.ts")];
      const child = new Child({ name: "bench/baselines/bare.ts", command });
      const [, url = ""] = await child.logged(/listening on (http\S+)/);
      return { child, url };
    },
  },
  fastapi: {
    label: "FastAPI",
    keepsEvents: true,
    // uvicorn ends in order and then lets the signal have its way.
    goodExits: [0, 128 + constants.signals.SIGTERM],
    async start({ brokers, topic }) {
      const uvicorn = join(await pythonEnvironment(), "bin/uvicorn");
      const child = new Child({
        name: "bench/baselines/fastapi",
        command: [uvicorn, "main:app", "--host", "127.0.0.1", "--port", "0", "--no-access-log"],
        cwd: join(PROJECT_FOLDER, "bench/baselines/fastapi"),
        environment: { KAFKA_BROKERS: brokers, KAFKA_TOPIC: topic, PYTHONDONTWRITEBYTECODE: "1" },
      });
      const [, url = ""] = await child.logged(/running on (http\S+)/);
      return { child, url };
    },
  },
};

/** Made in the cache once, under a name that holds what is in it. */
async function pythonEnvironment(): Promise<string> {
  const requirements = join(PROJECT_FOLDER, "bench/baselines/fastapi/requirements.txt");
  const hash = Bun.hash(await Bun.file(requirements).text())
    .toString(16)
    .slice(0, 8);
  const folder = join(cacheFolder(), `fastapi-${hash}`);
  const marker = join(folder, "whole");
  if (existsSync(marker)) return folder;
  if (Bun.which("python3") === null)
    throw new BenchFailure(
      "python3 is missing: apt-get install python3-venv, dnf install python3, brew install python",
    );
  process.stderr.write("installing FastAPI and confluent-kafka for the baseline, once …\n");
  await run(["python3", "-m", "venv", folder]);
  await run([join(folder, "bin/pip"), "install", "--quiet", "-r", requirements]);
  await Bun.write(marker, "");
  return folder;
}

async function run(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [said, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new BenchFailure(`${command[0]} ended with ${code}:\n${said}`);
}
