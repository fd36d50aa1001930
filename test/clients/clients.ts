/**
 * Clients that people really use, against a real serve and a real Kafka: CloudEvents' own SDK, curl, Python's requests, and a browser.
 * `bun run clients`: not
 * among the tests that `bun run test` runs, because it needs curl, Python and Chromium; what is missing is a failure that names it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CloudEvent, HTTP, Kafka } from "cloudevents";
import { chromium } from "playwright-core";
import { cacheFolder } from "../../src/cache.ts";
import { newTopic } from "../support/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { type ReadRecord, readTopic } from "../support/mock.ts";

const HEADERS = [
  "id",
  "ce_id",
  "ce_source",
  "ce_specversion",
  "ce_type",
  "ce_time",
  "ce_partitionkey",
  "ce_count",
  "content-type",
];
let folder: string;
let url: string;
let brokers: string;
let topic: string;
/** A page of another origin. */
let page: Bun.Server<undefined>;
const sent: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-clients-"));
  page = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("<title>shop</title>", { headers: { "content-type": "text/html" } }),
  });
  ({ brokers, topic } = await newTopic(1));
  const origin = page.url.origin;
  const args = ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", "0", "--cors-origins", origin];
  const serve = new CommandProcess("serve", { args });
  url = await urlOf(serve);
  await serve.logged(/Kafka is reachable/);
}, 120_000);
afterAll(async () => {
  await page.stop(true);
  await killLeftovers();
  rmSync(folder, { recursive: true, force: true });
});

/** The record of that id, once everything that was sent is read. */
function records(): Map<string, ReadRecord> {
  const read = readTopic(brokers, topic, sent.length, { headers: HEADERS });
  return new Map(read.map((record) => [record.headers.id!, record]));
}

function tool(name: string, packages: string): string {
  const path = Bun.which(name);
  if (path === null) throw new Error(`${name} is missing: install it (${packages})`);
  return path;
}

async function output(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${errors}`);
  return out;
}

describe("the cloudevents SDK", () => {
  const event = (id: string) =>
    new CloudEvent({
      id,
      source: "/shop",
      type: "page_view",
      time: "2026-01-02T03:04:05.678Z",
      partitionkey: "k 1",
      count: 3,
      data: { page: "/é", n: [1, 2] },
    });

  test("binary and structured", async () => {
    for (const [id, message] of [
      ["sdk-binary", HTTP.binary(event("sdk-binary"))],
      ["sdk-structured", HTTP.structured(event("sdk-structured"))],
    ] as const) {
      const headers = message.headers as Record<string, string>;
      const response = await fetch(`${url}/register_event`, { method: "POST", headers, body: message.body as string });
      expect([response.status, await response.json()]).toMatchObject([202, { id, status: "acked" }]);
      sent.push(id);
    }
  });

  test("batched", async () => {
    const headers = { "content-type": "application/cloudevents-batch+json" };
    const body = JSON.stringify([event("sdk-batch-1"), event("sdk-batch-2")]);
    const response = await fetch(`${url}/register_events`, { method: "POST", headers, body });
    expect([response.status, await response.json()]).toMatchObject([202, { accepted: 2 }]);
    sent.push("sdk-batch-1", "sdk-batch-2");
  });

  test("its Kafka binding reads the records as the events that were sent", () => {
    const read = records();
    for (const id of ["sdk-binary", "sdk-structured", "sdk-batch-1", "sdk-batch-2"]) {
      const { headers, value, key } = read.get(id)!;
      const { id: _, ...attributes } = headers;
      const text = Buffer.from(value!).toString();
      const message = { headers: attributes, key: key!, value: text, body: text, timestamp: "0" };
      const found = Kafka.toEvent(message as unknown as Parameters<typeof Kafka.toEvent>[0]) as CloudEvent<unknown>;
      const { id: sentId, source, type, time, data } = event(id);
      expect({ id: found.id, source: found.source, type: found.type, time: found.time, data: found.data }).toEqual({
        id: sentId,
        source,
        type,
        time,
        data,
      });
      expect([key, headers.ce_count]).toEqual(["k 1", "3"]);
    }
  }, 30_000);
});

test("curl: one event, lines in gzip, --compressed", async () => {
  const curl = [tool("curl", "curl"), "--silent", "--show-error", "--fail-with-body"];
  const json = ["--header", "content-type: application/json"];
  const one = await output([
    ...curl,
    ...json,
    "--compressed",
    "--data-binary",
    '{"id":"curl-1"}',
    `${url}/register_event?key=k`,
  ]);
  expect(JSON.parse(one)).toMatchObject({ id: "curl-1", status: "acked" });
  writeFileSync(join(folder, "lines.gz"), gzipSync('{"id":"curl-2"}\n{"id":"curl-3","s":"é"}\n'));
  const lines = ["--header", "content-type: application/x-ndjson", "--header", "content-encoding: gzip"];
  const many = await output([...curl, ...lines, "--data-binary", "@lines.gz", `${url}/register_events`]);
  expect(JSON.parse(many)).toMatchObject({ accepted: 2, refused: 0 });
  sent.push("curl-1", "curl-2", "curl-3");
});

const PYTHON = `
import gzip, json, sys
import requests
url = sys.argv[1]
with requests.Session() as session:
    one = session.post(f"{url}/register_event", json={"id": "py-1", "s": "é"}, params={"key": "k 1"})
    body = gzip.compress(b'{"id":"py-2"}\\n{"id":"py-3"}\\n')
    headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    many = session.post(f"{url}/register_events", data=body, headers=headers)
    chunked = session.post(f"{url}/register_event", data=iter([b'{"id":', b'"py-4"}']), headers={"content-type": "application/json"})
    bad = session.post(f"{url}/register_event", json={"id": 7})
print(json.dumps([one.status_code, one.json()["status"], many.status_code, many.json()["accepted"], chunked.status_code, bad.status_code, bad.json()["code"]]))
`;

test("Python's requests", async () => {
  const environment = join(cacheFolder(process.env), "python-requests-2.34.2");
  const python = join(environment, "bin/python");
  if (!existsSync(python)) {
    await output([tool("python3", "python3-venv"), "-m", "venv", environment]);
    await output([python, "-m", "pip", "install", "--quiet", "requests==2.34.2"]);
  }
  const said = await output([python, "-c", PYTHON, url]);
  expect(JSON.parse(said)).toEqual([202, "acked", 202, 2, 202, 422, "invalid_event"]);
  sent.push("py-1", "py-2", "py-3", "py-4");
}, 120_000);

/** As text: it runs where there is a DOM, and none of our types. */
const IN_THE_BROWSER = `async (target) => {
  const isQueued = navigator.sendBeacon(target + "/register_event", '{"id":"beacon"}');
  const send = (body, headers) => fetch(target + "/register_event", { method: "POST", body, headers });
  const json = { "content-type": "application/json" };
  const taken = await send('{"id":"fetch"}', json);
  const refused = await send('{"id":7}', { ...json, "x-api-key": "none" });
  return [isQueued, taken.status, (await taken.json()).status, refused.status, (await refused.json()).code];
}`;

test("a browser: sendBeacon and fetch from another origin", async () => {
  const executablePath = Bun.which("chromium") ?? tool("google-chrome", "Debian: chromium");
  const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const tab = await browser.newPage();
    await tab.goto(page.url.href);
    const answers = await tab.evaluate(`(${IN_THE_BROWSER})(${JSON.stringify(url)})`);
    expect(answers).toEqual([true, 202, "acked", 422, "invalid_event"]);
    sent.push("beacon", "fetch");
  } finally {
    await browser.close();
  }
}, 60_000);

test("all of it is in Kafka, as it was sent", () => {
  const read = records();
  expect([...read.keys()].sort()).toEqual([...sent].sort());
  const value = (id: string) => Buffer.from(read.get(id)!.value!).toString();
  expect([value("beacon"), value("fetch"), value("curl-3"), value("py-4")]).toEqual([
    '{"id":"beacon"}',
    '{"id":"fetch"}',
    '{"id":"curl-3","s":"é"}',
    '{"id":"py-4"}',
  ]);
  expect([read.get("curl-1")!.key, read.get("py-1")!.key]).toEqual(["k", "k 1"]);
}, 30_000);
