/** serve with a spool while Kafka is not there, through kill -9 and SIGTERM. A broker of its own. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, freePorts, startCluster } from "../../scripts/kafka/cluster.ts";
import { until } from "../consume/support.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { readTopic } from "../support/mock.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-spool-e2e-"));
let cluster: Cluster | undefined;
let port: number;

beforeAll(async () => {
  [port = 0] = await freePorts(1);
});
afterAll(async () => {
  killLeftovers();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function start(...args: readonly string[]) {
  const common = ["--kafka-brokers", `127.0.0.1:${port}`, "--kafka-topic", "spooled", "--port", "0"];
  const serve = new CommandProcess("serve", { args: [...common, "--spool", join(folder, "spool"), ...args] });
  return { serve, url: await urlOf(serve) };
}

const keyOf = (n: number) => `k${n % 3}`;

async function send(url: string, n: number): Promise<{ http: number; status?: string; code?: string }> {
  const response = await fetch(`${url}/register_event?key=${keyOf(n)}`, {
    method: "POST",
    body: `{"id":"e${n}"}`,
    headers: { "content-type": "application/json" },
  });
  return { http: response.status, ...((await response.json()) as object) };
}

async function spoolOf(url: string): Promise<{ events: number; bytes: number }> {
  return ((await (await fetch(`${url}/get_status`)).json()) as { spool: { events: number; bytes: number } }).spool;
}

test("without Kafka events are spooled; kill -9 and SIGTERM lose none; Kafka comes, and gets each in its key's order", async () => {
  const told: number[] = [];
  let next = 0;
  const sendSome = async (url: string, count: number, status: string) => {
    for (let i = 0; i < count; i++) {
      const n = next++;
      expect(await send(url, n)).toMatchObject({ http: 202, status, id: `e${n}` });
      told.push(n);
    }
  };
  const first = await start();
  await sendSome(first.url, 50, "spooled");
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  first.serve.signal("SIGKILL");
  await first.serve.ended();

  const second = await start();
  expect((await spoolOf(second.url)).events).toBe(50);
  await sendSome(second.url, 50, "spooled");
  second.serve.signal("SIGTERM");
  expect(await second.serve.ended()).toBe(0);
  expect(second.serve.stderr).toContain("events stay in the spool");

  const third = await start();
  await sendSome(third.url, 20, "spooled");
  cluster = await startCluster({ brokers: 1, ports: [port], dataFolder: join(folder, "kafka") });
  await third.serve.logged(/the spool is empty/);
  await sendSome(third.url, 20, "acked");

  // Stopped in mid-stream: what is under way is answered truly, what comes then is spooled.
  await cluster.stopBroker(1, "SIGKILL");
  const unsettled = new Set<number>();
  for (let spooled = 0; spooled < 50; ) {
    const n = next++;
    const { http, status } = await send(third.url, n);
    expect([202, 503, 504]).toContain(http);
    if (http === 202) told.push(n);
    else unsettled.add(n);
    if (status === "spooled") spooled++;
  }
  await cluster.startBroker(1);
  await until("the spool is empty again", async () => (await spoolOf(third.url)).events === 0, 60_000);
  await sendSome(third.url, 10, "acked");
  third.serve.signal("SIGTERM");
  expect(await third.serve.ended()).toBe(0);

  const records = readTopic(`127.0.0.1:${port}`, "spooled", told.length, { headers: ["id"] });
  const ids = records.map(({ headers }) => Number(headers.id!.slice(1)));
  expect(told.filter((n) => !ids.includes(n))).toEqual([]);
  expect(ids.filter((n) => !told.includes(n) && !unsettled.has(n))).toEqual([]);
  for (const key of ["k0", "k1", "k2"]) {
    const ofKey = [...new Set(ids.filter((n) => keyOf(n) === key))];
    expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
  }
}, 180_000);

test("a full spool refuses with its code; a folder that another process has ends serve with a sentence", async () => {
  await cluster?.stop();
  cluster = undefined;
  rmSync(join(folder, "spool"), { recursive: true, force: true });
  const { serve, url } = await start("--spool-max-bytes", "100000");
  const answers = new Set<string>();
  for (let n = 0; n < 2000 && !answers.has("spool_full"); n++) {
    const { status, code } = await send(url, n);
    answers.add(code ?? String(status));
  }
  expect([...answers].sort()).toEqual(["spool_full", "spooled"]);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  const other = new CommandProcess("serve", {
    args: ["--kafka-brokers", `127.0.0.1:${port}`, "--port", "0", "--spool", join(folder, "spool")],
  });
  expect(await other.ended()).toBe(1);
  expect(other.stderr).toContain("another process uses the spool");
  serve.signal("SIGTERM");
  expect(await serve.ended()).toBe(0);
}, 90_000);
