/** The whole system: demo as a user runs it, on the embedded broker and on a real Kafka. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventId } from "../../src/simulate/index.ts";
import { kafkaBrokers } from "../support/cluster.ts";
import { CommandProcess, killLeftovers } from "../support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-demo-test-"));
afterAll(() => {
  killLeftovers();
  rmSync(folder, { recursive: true, force: true });
});

interface Line {
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly key: string | null;
  readonly value: { readonly id: string };
}

/** Every line parses, members stand in their order, every expected id is there once, offsets run on within a partition. */
function checkLog(path: string, seed: number, events: number): void {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.length).toBe(events);
  const ids = new Set<string>();
  const next = new Map<number, number>();
  for (const text of lines) {
    const line = JSON.parse(text) as Line;
    ids.add(line.id);
    if (line.value.id !== line.id) throw new Error(`header and value disagree: ${text}`);
    if (line.offset !== (next.get(line.partition) ?? 0)) throw new Error(`out of order: ${text}`);
    next.set(line.partition, line.offset + 1);
  }
  expect(Object.keys(JSON.parse(lines[0]!))).toEqual([
    "partition",
    "offset",
    "timestamp",
    "topic",
    "id",
    "key",
    "value",
  ]);
  for (let i = 0; i < events; i++) if (!ids.has(eventId(seed, i))) throw new Error(`event ${i} is not in the log`);
  expect(ids.size).toBe(events);
}

test("on the embedded broker: passed, exit 0, and a log with every event once", async () => {
  const log = join(folder, "embedded.log");
  const demo = new CommandProcess("demo", { args: ["--events", "3000", "--seed", "7", "--log-file", log] });
  expect(await demo.ended(90_000)).toBe(0);
  expect(demo.stdout).toContain("PASSED: sent = acked = logged, lost 0, duplicated 0");
  checkLog(log, 7, 3000);
}, 100_000);

test("on a real Kafka: 10,000 events through serve, Kafka and consume, every id in the log once", async () => {
  const log = join(folder, "real.log");
  const environment = { KAFKA_BROKERS: await kafkaBrokers() };
  const demo = new CommandProcess("demo", { args: ["--seed", "8", "--log-file", log], environment });
  expect(await demo.ended(120_000)).toBe(0);
  expect(demo.stdout).toMatch(/acked +10,000/);
  checkLog(log, 8, 10_000);
}, 180_000);

test("Ctrl-C leaves no process and no port behind, and exits 130", async () => {
  const log = join(folder, "interrupted.log");
  const demo = new CommandProcess("demo", { args: ["--events", "50000", "--rate", "500", "--log-file", log] });
  const port = Number((await demo.logged(/http:\/\/127\.0\.0\.1:(\d+)/))[1]);
  await demo.logged(/answered/);
  const children = childrenOf(demo.pid);
  expect(children.length).toBe(3);
  demo.signal("SIGINT", { toGroup: true });
  expect(await demo.ended(30_000)).toBe(130);
  expect(children.filter(isAlive)).toEqual([]);
  expect(fetch(`http://127.0.0.1:${port}/get_status`)).rejects.toThrow();
}, 60_000);

test("more events than the embedded broker holds are refused with the way out", async () => {
  const demo = new CommandProcess("demo", { args: ["--events", "50001"] });
  expect(await demo.ended()).toBe(2);
  expect(demo.stderr).toContain("--events must be at most 50000 on the embedded broker");
  expect(demo.stderr).toContain("--kafka-brokers");
});

function childrenOf(pid: number): number[] {
  const listed = Bun.spawnSync(["ps", "-A", "-o", "pid=,ppid="]).stdout.toString().trim().split("\n");
  return listed
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid ? [child!] : []));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
