/** `serve --processes 2` as real processes, on a real Kafka. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../scripts/kafka/cluster.ts";
import { until } from "../consume/support.ts";
import { kafkaBrokers, newTopic } from "../support/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { keptConnection, MANY, ONE } from "../support/kept-connection.ts";
import { readTopic } from "../support/mock.ts";

/** There the system gives all connections to one of them, and has no SCHED_BATCH. */
const isMac = process.platform === "darwin";

let brokers: string;
let topic: string;
let folder: string;
beforeAll(async () => {
  brokers = await kafkaBrokers();
  folder = mkdtempSync(join(tmpdir(), "sluice-processes-"));
}, 120_000);
beforeEach(async () => {
  ({ topic } = await newTopic());
});
afterEach(killLeftovers);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Serve {
  readonly parent: CommandProcess;
  readonly url: string;
  readonly pids: readonly number[];
}

async function start(...args: readonly string[]): Promise<Serve> {
  const common = ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", "0", "--processes", "2"];
  const parent = new CommandProcess("serve", { args: [...common, ...args] });
  const url = await urlOf(parent);
  const [, pids] = await parent.logged(/"pids":\[([\d,]+)\]/);
  return { parent, url, pids: pids!.split(",").map(Number) };
}

/** Both of them. */
async function ready(...args: readonly string[]): Promise<Serve> {
  const serve = await start(...args);
  await serve.parent.logged(/("msg":"found the topic"[\s\S]*){2}/);
  return serve;
}

/** A connection of its own each time: a kept one always leads to the same process. */
function ask(url: string, path: string, body?: string): Promise<Response> {
  const headers = { connection: "close", "content-type": "application/json" };
  return fetch(url + path, body === undefined ? { headers } : { method: "POST", headers, body });
}

async function statusOf(url: string) {
  return (await (await ask(url, "/get_status")).json()) as {
    process: number;
    processes: number;
    buffer: { max_pending_events: number };
    spool?: { events: number };
  };
}

async function series(url: string, name: string): Promise<Record<string, number>> {
  const text = await (await ask(url, "/metrics")).text();
  const found = text.matchAll(new RegExp(`^${name}(?:{process="(\\d+)"})? (\\d+)$`, "gm"));
  return Object.fromEntries(Array.from(found, ([, process, value]) => [process ?? "all", Number(value)]));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.skipIf(isMac)(
  "both take requests, from their parts of the budget; each answers for all in /metrics",
  async () => {
    const { parent, url } = await ready();
    const ids = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const response = await ask(url, "/register_event", "{}");
      expect(response.status).toBe(202);
      ids.add(((await response.json()) as { id: string }).id);
    }
    expect(ids.size).toBe(60);
    const reached = new Set<number>();
    for (let i = 0; i < 60; i++) {
      const status = await statusOf(url);
      expect(status).toMatchObject({ processes: 2, buffer: { max_pending_events: 50_000 } });
      reached.add(status.process);
      const acked = await series(url, "sluice_events_acked_total");
      expect(acked[0]! + acked[1]!).toBe(60);
      expect(Math.min(acked[0]!, acked[1]!)).toBeGreaterThan(0);
    }
    expect([...reached].sort()).toEqual([0, 1]);
    const inTopic = readTopic(brokers, topic, 60, { headers: ["id"] }).map(({ headers }) => headers.id);
    expect(inTopic.toSorted()).toEqual([...ids].sort());
    expect(parent.stderr.match(/"listening on /g)).toHaveLength(1);
    parent.signal("SIGTERM");
    expect(await parent.ended()).toBe(0);
  },
  60_000,
);

test.skipIf(isMac)("the processes do not interrupt what runs when they wake", async () => {
  const { pids } = await start();
  // The policy is the 41st field (proc_pid_stat(5)), the 39th behind the name; SCHED_BATCH is 3 (sched.h).
  const policies = pids.map(
    (pid) =>
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ")[38],
  );
  expect(policies).toEqual(["3", "3"]);
});

test("SIGTERM under load: every request is answered, and all end with 0", async () => {
  const { parent, url, pids } = await ready();
  let answers = 0;
  const connections = Array.from({ length: 60 }, (_, i) =>
    keptConnection(new URL(url), i < 40 ? ONE : MANY, () => answers++),
  );
  await until("under load", () => answers >= 500);
  parent.signal("SIGTERM");
  const last = await Promise.all(connections);
  expect(await parent.ended()).toBe(0);
  expect(last.filter((status) => status !== "202" && status !== "503")).toEqual([]);
  expect(parent.stderr.match(/"given_up_events":0.*"msg":"stopped"/g)).toHaveLength(2);
  expect(pids.filter(isRunning)).toEqual([]);
}, 60_000);

test("one that is killed is replaced, and requests go on", async () => {
  const { parent, url, pids } = await ready();
  process.kill(pids[1]!, "SIGKILL");
  await parent.logged(/"msg":"a process died and will be replaced"/);
  expect((await ask(url, "/register_event", "{}")).status).toBe(202);
  await parent.logged(/"msg":"a process was replaced"/);
  await parent.logged(/("msg":"found the topic"[\s\S]*){3}/);
  for (let i = 0; i < 40; i++) expect((await ask(url, "/register_event", "{}")).status).toBe(202);
  expect(await series(url, "sluice_processes")).toEqual({ all: 2 });
  expect(await series(url, "sluice_process_restarts_total")).toEqual({ all: 1 });
  parent.signal("SIGINT");
  expect(await parent.ended()).toBe(0);
}, 60_000);

test("the parent is killed: what is under way is answered, nobody is left, and the port is free", async () => {
  const { parent, url, pids } = await ready();
  let answers = 0;
  const connections = Array.from({ length: 20 }, () => keptConnection(new URL(url), ONE, () => answers++));
  await until("under load", () => answers >= 100);
  process.kill(parent.pid, "SIGKILL");
  const last = await Promise.all(connections);
  expect(last.filter((status) => status !== "202" && status !== "503")).toEqual([]);
  await until("all ended", () => !pids.some(isRunning));
  expect(parent.stderr.match(/the parent process is gone/g)).toHaveLength(2);
  const again = Bun.serve({
    hostname: "127.0.0.1",
    port: new URL(url).port,
    reusePort: false,
    fetch: () => new Response(),
  });
  await again.stop(true);
}, 60_000);

test("a second serve on the port is refused, of one process or of two; the first goes on", async () => {
  const { parent, url } = await ready();
  const common = ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", new URL(url).port];
  for (const processes of ["1", "2"]) {
    const second = new CommandProcess("serve", { args: [...common, "--processes", processes] });
    expect(await second.ended()).toBe(1);
    expect(second.stderr).toContain(`Is port ${new URL(url).port} in use?`);
    expect(second.stderr).not.toContain("listening on");
  }
  expect((await ask(url, "/register_event", "{}")).status).toBe(202);
  parent.signal("SIGTERM");
  expect(await parent.ended()).toBe(0);
}, 60_000);

test("a second signal ends all of them at once", async () => {
  const { parent, pids } = await ready("--drain-delay-ms", "60000");
  parent.signal("SIGTERM");
  await parent.logged(/("msg":"stopping: \/readyz says so[\s\S]*){2}/);
  await Bun.sleep(600);
  parent.signal("SIGTERM");
  expect(await parent.ended()).toBe(128 + 15);
  await until("all ended", () => !pids.some(isRunning));
}, 60_000);

test("with a dedupe window it is refused, with exit 2 and a sentence, before anything starts", async () => {
  const serve = new CommandProcess("serve", { args: ["--processes", "2", "--dedupe-window", "1000"] });
  expect(await serve.ended()).toBe(2);
  expect(serve.stderr).toStartWith("serve: --dedupe-window needs --processes 1, not 2");
}, 30_000);

test("each has its spool; another number of processes does not forget what is in them", async () => {
  const spool = ["--spool", join(folder, "spool")];
  const [dead = 0] = await freePorts(1);
  const away = await start(...spool, "--kafka-brokers", `127.0.0.1:${dead}`);
  const ids = new Set<string>();
  const events: Record<number, number> = {};
  await until("both hold some", async () => {
    const response = await ask(away.url, "/register_event", "{}");
    const receipt = (await response.json()) as { id: string; status: string };
    if (receipt.status === "spooled") ids.add(receipt.id);
    const status = await statusOf(away.url);
    events[status.process] = status.spool!.events;
    return isMac ? ids.size >= 10 : Math.min(events[0] ?? 0, events[1] ?? 0) >= 5;
  });
  away.parent.signal("SIGTERM");
  expect(await away.parent.ended()).toBe(0);

  const alone = new CommandProcess("serve", {
    args: ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", "0", ...spool],
  });
  expect(await alone.ended()).toBe(1);
  expect(alone.stderr).toMatch(/the spool folder \S+ holds \d+ events .*start with --processes 2 until/);

  const back = await start(...spool);
  await until("all in Kafka", async () => {
    const left = await series(back.url, "sluice_spool_events");
    return left[0] === 0 && left[1] === 0;
  });
  const found = readTopic(brokers, topic, ids.size, { headers: ["id"] }).map(({ headers }) => headers.id);
  expect(found.toSorted()).toEqual([...ids].sort());
  back.parent.signal("SIGTERM");
  expect(await back.parent.ended()).toBe(0);
}, 60_000);
