/** serve while Kafka is not there: before it starts, while it is stopped, and after it has come back. A broker of its own. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, freePorts, startCluster } from "../../scripts/kafka/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { readTopic } from "../support/mock.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-outage-"));
const DELIVERY_TIMEOUT_MS = 5000;
let cluster: Cluster | undefined;
let port: number;
let brokers: string;

beforeAll(async () => {
  [port = 0] = await freePorts(1);
  brokers = `127.0.0.1:${port}`;
});
afterAll(async () => {
  killLeftovers();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function post(
  url: string,
  n: number,
): Promise<{ status: number; code?: string; retryAfter: number | null; tookMs: number }> {
  const started = performance.now();
  const response = await fetch(`${url}/register_event?key=k`, {
    method: "POST",
    body: `{"n":${n}}`,
    headers: { "content-type": "application/json" },
  });
  const body = (await response.json()) as { code?: string };
  const retryAfter = response.headers.get("retry-after");
  return {
    status: response.status,
    ...(body.code ? { code: body.code } : {}),
    retryAfter: retryAfter === null ? null : Number(retryAfter),
    tookMs: performance.now() - started,
  };
}

test("started before Kafka: 503 with Retry-After, in time and then at once; when Kafka comes, the topic is made and events are acked", async () => {
  const serve = new CommandProcess("serve", {
    args: [
      "--kafka-brokers",
      brokers,
      "--kafka-topic",
      "outage",
      "--port",
      "0",
      "--delivery-timeout-ms",
      String(DELIVERY_TIMEOUT_MS),
    ],
  });
  const url = await urlOf(serve);
  const first = await post(url, 0);
  expect(first).toMatchObject({ status: 503, retryAfter: expect.any(Number) });
  expect(first.tookMs).toBeLessThan(DELIVERY_TIMEOUT_MS);
  const second = await post(url, 0);
  expect(second).toMatchObject({ status: 503, code: "kafka_unreachable" });
  expect(second.retryAfter!).toBeGreaterThanOrEqual(1);
  expect(second.tookMs).toBeLessThan(200);
  expect((await fetch(`${url}/get_status`)).status).toBe(503);

  cluster = await startCluster({ brokers: 1, ports: [port], dataFolder: folder });
  await serve.logged(/created the topic/);
  expect(await post(url, 1)).toMatchObject({ status: 202 });
  expect((await fetch(`${url}/get_status`)).status).toBe(200);

  // Stopped in mid-stream: every request is answered, in time, and truly.
  const answers: Awaited<ReturnType<typeof post>>[] = [];
  const numbers: number[] = [];
  let isOver = false;
  let n = 2;
  const sender = async () => {
    while (!isOver) {
      const mine = n++;
      const answer = await post(url, mine);
      answers.push(answer);
      if (answer.status === 202) numbers.push(mine);
      // A refusal comes at once: a client that does not wait would only spin.
      else await Bun.sleep(50);
    }
  };
  const senders = Array.from({ length: 10 }, sender);
  while (numbers.length < 200) await Bun.sleep(5);
  await cluster.stopBroker(1, "SIGKILL");
  await serve.logged(/Kafka is unreachable/);
  const atOnce = await until(
    () => post(url, -1),
    (answer) => answer.code === "kafka_unreachable",
  );
  expect(atOnce.tookMs).toBeLessThan(200);

  await cluster.startBroker(1);
  await until(
    () => post(url, -1),
    (answer) => answer.status === 202,
  );
  isOver = true;
  await Promise.all(senders);
  for (const answer of answers) {
    expect([202, 503, 504]).toContain(answer.status);
    expect(answer.tookMs).toBeLessThan(DELIVERY_TIMEOUT_MS + 1000);
    if (answer.status === 503) expect(answer.retryAfter).not.toBeNull();
  }
  // What was answered 202 is there; by key, in the order in which it was answered.
  const inTopic = new Set(
    readTopic(brokers, "outage", numbers.length + 1).map(
      (record) => (JSON.parse(Buffer.from(record.value!).toString()) as { n: number }).n,
    ),
  );
  expect(numbers.filter((number) => !inTopic.has(number))).toEqual([]);
  serve.signal("SIGTERM");
  expect(await serve.ended()).toBe(0);
}, 180_000);

async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(answer)} after a minute`);
    await Bun.sleep(50);
  }
}
