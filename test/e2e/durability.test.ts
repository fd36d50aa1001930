/** What serve promises beyond the acknowledgement, as a real process on a real Kafka: ids that are recognised, lines that are filed, ends that are clean. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { TestFolder } from "../consume/support.ts";
import { kafkaBrokers, newTopic } from "../support/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { readTopic } from "../support/mock.ts";

interface Receipt {
  readonly id: string;
  readonly status: string;
  readonly code?: string;
  readonly partition: number;
  readonly offset: number;
  readonly note?: string;
}

let brokers: string;
beforeAll(async () => {
  brokers = await kafkaBrokers();
}, 120_000);
afterEach(killLeftovers);
afterAll(killLeftovers);

async function startServe(topic: string, ...args: readonly string[]) {
  const serve = new CommandProcess("serve", {
    args: ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", "0", ...args],
  });
  const url = await urlOf(serve);
  await serve.logged(/Kafka is reachable/);
  await serve.logged(/(?:found|created) the topic/);
  const send = async (id: string, value = "v", query = ""): Promise<Receipt & { readonly http: number }> => {
    const response = await fetch(`${url}/register_event${query}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id, value }),
    });
    return { ...((await response.json()) as Receipt), http: response.status };
  };
  return { serve, url, send };
}

describe("the dedupe window", () => {
  const FILLED = /the dedupe window is filled/;

  test("a retry gets the first receipt, from this server and, after kill -9, from the next; the topic has it once", async () => {
    const { topic } = await newTopic();
    const first = await startServe(topic, "--dedupe-window", "1000");
    await first.serve.logged(FILLED);
    const receipts = new Map<string, Receipt>();
    for (let i = 0; i < 20; i++) receipts.set(`e${i}`, await first.send(`e${i}`));
    expect(await first.send("e7")).toEqual(receipts.get("e7")! as never);
    first.serve.signal("SIGKILL");
    await first.serve.ended();

    const second = await startServe(topic, "--dedupe-window", "1000");
    await second.serve.logged(FILLED);
    for (const [id, receipt] of receipts) expect(await second.send(id)).toEqual(receipt as never);
    expect(await second.send("e3", "another value")).toMatchObject({ http: 409, code: "id_conflict", id: "e3" });
    await second.send("last");
    const records = readTopic(brokers, topic, 21, { headers: ["id"] });
    expect(records.map(({ headers }) => headers.id).sort()).toEqual([...receipts.keys(), "last"].sort());
    // Nothing more comes.
    expect(readTopic(brokers, topic, 22, { timeoutMs: 6000 })).toHaveLength(21);
  }, 90_000);

  test("twins sent at once become one record, with one receipt for all", async () => {
    const { topic } = await newTopic();
    const { serve, send } = await startServe(topic, "--dedupe-window", "1000");
    await serve.logged(FILLED);
    const answers = await Promise.all(Array.from({ length: 50 }, () => send("twin")));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ http: 202, status: "acked" });
    await send("last");
    expect(readTopic(brokers, topic, 2, { headers: ["id"] }).map(({ headers }) => headers.id)).toHaveLength(2);
  }, 60_000);

  test("CloudEvents are told apart by source", async () => {
    const { topic } = await newTopic(1);
    const { serve, url } = await startServe(topic, "--dedupe-window", "1000");
    await serve.logged(FILLED);
    const sendFrom = async (source: string) => {
      const response = await fetch(`${url}/register_event`, {
        method: "POST",
        headers: { "content-type": "application/cloudevents+json" },
        body: JSON.stringify({ specversion: "1.0", id: "1", source, type: "t", data: {} }),
      });
      return ((await response.json()) as Receipt).offset;
    };
    expect([await sendFrom("/a"), await sendFrom("/b"), await sendFrom("/a")]).toEqual([0, 1, 0]);
  }, 60_000);
});

describe("?ack=filed", () => {
  test("is answered once the line is in the log file", async () => {
    const { topic } = await newTopic();
    using folder = new TestFolder();
    const logFile = join(folder.path, "consumer.log");
    const consume = new CommandProcess("consume", {
      args: ["--kafka-brokers", brokers, "--kafka-topic", topic, "--kafka-group", topic, "--log-file", logFile],
    });
    const { send, url } = await startServe(topic, "--filed-group", topic, "--filed-timeout-ms", "30000");
    await consume.logged(/partitions assigned/);
    for (let i = 0; i < 5; i++) {
      expect(await send(`e${i}`, "v", "?ack=filed")).toMatchObject({ http: 202, status: "filed", id: `e${i}` });
      expect(await Bun.file(logFile).text()).toContain(`"id":"e${i}"`);
    }
    const batch = await fetch(`${url}/register_events?ack=filed&results=all`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: '{"id":"b1"}\n{"id":"b2"}\n',
    });
    const answer = (await batch.json()) as { receipts: Receipt[] };
    expect(answer.receipts.map(({ status }) => status)).toEqual(["filed", "filed"]);
    expect(await Bun.file(logFile).text()).toContain('"id":"b2"');
  }, 90_000);

  test("without a consumer it says acked after the time for it, with a note", async () => {
    const { topic } = await newTopic();
    const { send } = await startServe(topic, "--filed-group", topic, "--filed-timeout-ms", "500");
    const receipt = await send("a", "v", "?ack=filed");
    expect(receipt).toMatchObject({ http: 202, status: "acked", offset: expect.any(Number) });
    expect(receipt.note).toContain("was not seen in time");
  }, 60_000);
});

describe("the end", () => {
  test("under load every request gets its true answer, and the process ends with 0", async () => {
    const { topic } = await newTopic();
    const { serve, send } = await startServe(topic);
    const acked = new Set<string>();
    const others = new Map<string, number>();
    let next = 0;
    const sender = async () => {
      for (;;) {
        const id = `e${next++}`;
        try {
          const { http, code } = await send(id);
          if (http === 202) acked.add(id);
          else others.set(code!, (others.get(code!) ?? 0) + 1);
        } catch {
          // Refused at the socket: the server is gone.
          return;
        }
      }
    };
    const senders = Array.from({ length: 40 }, sender);
    while (acked.size < 2000) await Bun.sleep(5);
    serve.signal("SIGTERM");
    await Promise.all(senders);
    expect(await serve.ended()).toBe(0);
    expect([...others.keys()].filter((code) => code !== "shutting_down")).toEqual([]);
    expect(serve.stderr).toMatch(/"given_up_events":0.*"msg":"stopped"/);
    const ids = new Set(readTopic(brokers, topic, acked.size, { headers: ["id"] }).map(({ headers }) => headers.id));
    expect([...acked].filter((id) => !ids.has(id))).toEqual([]);
  }, 90_000);

  test("/readyz says so first; events are still taken until the drain delay is over; /livez stays", async () => {
    const { topic } = await newTopic();
    const { serve, url, send } = await startServe(topic, "--drain-delay-ms", "1500");
    const status = async (path: string) => (await fetch(`${url}${path}`)).status;
    expect([await status("/readyz"), await status("/livez")]).toEqual([200, 200]);
    serve.signal("SIGTERM");
    await serve.logged(/readyz says so/);
    expect([await status("/readyz"), await status("/livez"), await status("/get_status")]).toEqual([503, 200, 503]);
    expect(await send("late")).toMatchObject({ http: 202, status: "acked" });
    expect(await serve.ended()).toBe(0);
  }, 60_000);
});

test("/metrics counts what happened, in Prometheus's text format", async () => {
  const { topic } = await newTopic();
  const { serve, url, send } = await startServe(topic, "--dedupe-window", "10");
  await serve.logged(/the dedupe window is filled/);
  for (let i = 0; i < 5; i++) await send(`e${i}`);
  await send("e1");
  await send("e1", "another");
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  const text = await response.text();
  const value = (name: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length),
    );
  expect(value("sluice_events_accepted_total")).toBe(5);
  expect(value("sluice_events_acked_total")).toBe(5);
  expect(value("sluice_events_repeated_total")).toBe(1);
  expect(value('sluice_events_refused_total{code="id_conflict"}')).toBe(1);
  expect(value("sluice_delivery_seconds_count")).toBe(5);
  expect(value('sluice_delivery_seconds_bucket{le="+Inf"}')).toBe(5);
  expect(value("sluice_delivery_seconds_sum")).toBeGreaterThan(0);
  expect(value("sluice_pending_events")).toBe(0);
  expect(value("sluice_kafka_reachable")).toBe(1);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
  expect(value("process_resident_memory_bytes")).toBeLessThan(1_000_000_000);
}, 60_000);
