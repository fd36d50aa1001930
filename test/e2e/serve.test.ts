/** serve as a real process, on a real Kafka: what it makes of events. How it starts and stops: serve-life.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { REASONS, type ReasonCode } from "../../src/outcome.ts";
import { kafkaBrokers, newTopic } from "../support/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { readTopic } from "../support/mock.ts";

interface Receipt {
  readonly id: string;
  readonly status: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

const JSON_HEADERS = { "content-type": "application/json" };

function post(
  url: string,
  body: NonNullable<RequestInit["body"]>,
  { path = "/register_event", headers = JSON_HEADERS as Record<string, string> } = {},
) {
  return fetch(`${url}${path}`, { method: "POST", body, headers });
}

let brokers: string;
beforeAll(async () => {
  brokers = await kafkaBrokers();
}, 120_000);
afterAll(killLeftovers);

describe("events and answers", () => {
  let serve: CommandProcess;
  let url: string;
  let topic: string;
  beforeAll(async () => {
    ({ topic } = await newTopic());
    serve = new CommandProcess("serve", {
      args: ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", "0", "--max-event-bytes", "2000"],
    });
    url = await urlOf(serve);
    await serve.logged(/Kafka is reachable/);
  }, 60_000);

  test("an event is acked, and its record is the client's bytes with id, receive time and key", async () => {
    const body = '{ "event_type":"a",\n\t"n":12345678901234567890, "n":1e400, "é":"\\u00e9" }\r\n';
    const before = Date.now();
    const own = (await (
      await post(url, '{"id":"my own ✓"}', { path: "/register_event?key=user%201+%C3%A9" })
    ).json()) as Receipt;
    const response = await post(url, body);
    expect(response.status).toBe(202);
    const receipt = (await response.json()) as Receipt;
    expect(receipt).toEqual({
      id: expect.any(String),
      status: "acked",
      topic,
      partition: expect.any(Number),
      offset: expect.any(Number),
    });
    expect(receipt.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(own.id).toBe("my own ✓");
    const records = readTopic(brokers, topic, 2, { headers: ["id", "received_at_ms"] });
    const record = records.find((r) => r.headers.id === receipt.id)!;
    expect(Buffer.from(record.value!).toString()).toBe(body);
    expect(record.key).toBeNull();
    expect([record.partition, record.offset]).toEqual([receipt.partition, receipt.offset]);
    expect(Number(record.headers.received_at_ms)).toBeGreaterThanOrEqual(before);
    expect(Number(record.headers.received_at_ms)).toBeLessThanOrEqual(Date.now());
    expect(records.find((r) => r.headers.id === "my own ✓")!.key).toBe("user 1 é");
  });

  test("equal keys go to one partition, in the order in which they were answered", async () => {
    const receipts: Receipt[] = [];
    for (let i = 0; i < 20; i++)
      receipts.push((await (await post(url, `{"i":${i}}`, { path: "/register_event?key=same" })).json()) as Receipt);
    expect(new Set(receipts.map((r) => r.partition)).size).toBe(1);
    for (let i = 1; i < receipts.length; i++) expect(receipts[i]!.offset).toBeGreaterThan(receipts[i - 1]!.offset);
  });

  const stream = (text: string) =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      },
    });
  const refusals: readonly [what: string, code: ReasonCode, request: () => Promise<Response>, more: object][] = [
    ["broken JSON", "invalid_json", () => post(url, "{bad"), {}],
    ["an empty body", "invalid_json", () => post(url, ""), { detail: "the body is empty" }],
    ["not UTF-8", "invalid_json", () => post(url, Uint8Array.of(0x22, 0xff, 0x22)), {}],
    ["not an object", "invalid_event", () => post(url, "[1]"), { pointer: "" }],
    ["a member of the wrong type", "invalid_event", () => post(url, '{"user_id":3}'), { pointer: "/user_id" }],
    ["no content type", "unsupported_media_type", () => post(url, "{}", { headers: { "content-type": "" } }), {}],
    [
      "another content type",
      "unsupported_media_type",
      () => post(url, "{}", { headers: { "content-type": "application/xml" } }),
      {},
    ],
    [
      "a lookalike content type",
      "unsupported_media_type",
      () => post(url, "{}", { headers: { "content-type": "application/jsonx" } }),
      {},
    ],
    [
      "an encoding",
      "unsupported_encoding",
      () => post(url, "{}", { headers: { ...JSON_HEADERS, "content-encoding": "compress" } }),
      {},
    ],
    [
      "a body over the limit",
      "event_too_large",
      () => post(url, `{"a":"${"x".repeat(2000)}"}`),
      { limit: { name: "max_event_bytes", max: 2000, actual: 2008 } },
    ],
    ["a chunked body over the limit", "event_too_large", () => post(url, stream(`{"a":"${"x".repeat(5000)}"}`)), {}],
    [
      "body, key and headers over the limit",
      "event_too_large",
      () => post(url, `{"a":"${"x".repeat(1900)}"}`, { path: `/register_event?key=${"k".repeat(100)}` }),
      {},
    ],
    [
      "an empty key",
      "invalid_parameter",
      () => post(url, "{}", { path: "/register_event?key=" }),
      { parameter: "key" },
    ],
    [
      "two keys",
      "invalid_parameter",
      () => post(url, "{}", { path: "/register_event?key=a&key=b" }),
      { parameter: "key" },
    ],
    [
      "a key that is not UTF-8",
      "invalid_parameter",
      () => post(url, "{}", { path: "/register_event?key=%ff" }),
      { parameter: "key" },
    ],
    [
      "a misspelt parameter",
      "invalid_parameter",
      () => post(url, "{}", { path: "/register_event?kye=a" }),
      { parameter: "kye" },
    ],
    ["a path that is not there", "not_found", () => post(url, "{}", { path: "/register" }), {}],
    ["another method", "method_not_allowed", () => fetch(`${url}/register_event`), {}],
  ];
  for (const [what, code, request, more] of refusals) {
    test(`${what}: ${code}`, async () => {
      const response = await request();
      expect(response.status).toBe(REASONS[code].status);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(await response.json()).toMatchObject({
        code,
        status: REASONS[code].status,
        retry: REASONS[code].retry,
        detail: expect.any(String),
        ...more,
      });
      if (code === "method_not_allowed") expect(response.headers.get("allow")).toBe("POST");
    });
  }

  test("a chunked body within the limit and a content type with parameters are taken", async () => {
    expect((await post(url, stream('{"chunked":true}'))).status).toBe(202);
    expect((await post(url, "{}", { headers: { "content-type": "Application/JSON; charset=utf-8" } })).status).toBe(
      202,
    );
  });

  test("GET /get_status tells reachability, fill, counts and version", async () => {
    const response = await fetch(`${url}/get_status`);
    expect(response.status).toBe(200);
    const status = (await response.json()) as {
      counts: { accepted: number; acked: number; refused: Record<string, number> };
    };
    expect(status).toMatchObject({
      status: "ok",
      version: expect.any(String),
      kafka: { reachable: true, away_ms: 0, brokers, topic, topic_ready: true },
      buffer: { pending_events: 0, pending_bytes: 0 },
    });
    expect(status.counts.acked).toBe(status.counts.accepted);
    expect(status.counts.refused.invalid_json).toBe(3);
  });

  test("the OpenAPI document and its page come from here alone", async () => {
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, unknown>;
    };
    expect(document.openapi).toStartWith("3.1");
    expect(Object.keys(document.paths).sort()).toEqual([
      "/get_status",
      "/limits",
      "/livez",
      "/metrics",
      "/readyz",
      "/register_event",
      "/register_events",
      "/topics/{topic}/events",
    ]);
    const page = await (await fetch(`${url}/docs`)).text();
    const sources = Array.from(page.matchAll(/(?:src|href)="([^"]+)"/g), (m) => m[1]!);
    expect(sources.length).toBeGreaterThanOrEqual(2);
    for (const source of sources) {
      expect(source).toStartWith("/docs/assets/");
      expect((await fetch(url + source)).status).toBe(200);
    }
  });

  test("SIGTERM ends it with exit 0", async () => {
    serve.signal("SIGTERM");
    expect(await serve.ended()).toBe(0);
    expect(serve.stderr).toContain('"msg":"stopped"');
  });
});
