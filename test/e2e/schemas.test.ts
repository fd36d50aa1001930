/** Schemas and the dead-letter topic, with a real process and a real Kafka. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newTopic } from "../support/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { readTopic } from "../support/mock.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-schemas-"));
  const price = { type: "object", properties: { price: { type: "number", minimum: 0 } }, required: ["price"] };
  writeFileSync(join(folder, "purchase.json"), JSON.stringify(price));
});
afterAll(async () => {
  await killLeftovers();
  rmSync(folder, { recursive: true, force: true });
});

test("what a schema refuses is answered 422 with pointer and rule, and kept with the reason; its neighbours are taken", async () => {
  const { brokers, topic } = await newTopic(1);
  const rejected = `${topic}.rejected`;
  const args = ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", "0", "--schemas", folder];
  const more = ["--schemas-unknown", "refuse", "--dead-letter", "--dead-letter-topic", rejected];
  const serve = new CommandProcess("serve", { args: [...args, ...more] });
  const url = await urlOf(serve);
  await serve.logged(/Kafka is reachable/);
  const bad = '{"id":"bad","event_type":"purchase", "price":-1.0}';
  const body = `{"id":"good","event_type":"purchase","price":1}\n${bad}\n{"id":"other","event_type":"signup"}\n`;
  const headers = { "content-type": "application/x-ndjson" };
  const response = await fetch(`${url}/register_events`, { method: "POST", body, headers });
  expect(response.status).toBe(207);
  const rule = "purchase.json#/properties/price/minimum";
  expect(await response.json()).toMatchObject({
    accepted: 1,
    refused: 2,
    problems: [
      { index: 1, id: "bad", code: "schema_violation", pointer: "/price", rule },
      { index: 2, id: "other", code: "unknown_event_type", pointer: "/event_type" },
    ],
  });
  const event = { specversion: "1.0", id: "ce", source: "/x", type: "purchase", data: { price: "7" } };
  const structured = { "content-type": "application/cloudevents+json" };
  const refused = await fetch(`${url}/register_event`, {
    method: "POST",
    body: JSON.stringify(event),
    headers: structured,
  });
  expect(refused.status).toBe(422);
  expect(await refused.json()).toMatchObject({ code: "schema_violation", pointer: "/data/price", id: "ce" });
  const headerNames = ["id", "error_code", "error_pointer", "error_rule", "source_topic"];
  const letters = readTopic(brokers, rejected, 3, { headers: headerNames });
  const of = (id: string) => letters.find((record) => record.headers.id === id)!;
  expect(text(of("bad").value)).toBe(bad);
  expect(of("bad").headers).toEqual({
    id: "bad",
    error_code: "schema_violation",
    error_pointer: "/price",
    error_rule: rule,
    source_topic: topic,
  });
  expect(text(of("ce").value)).toBe('{"price":"7"}');
  expect(text(of("other").value)).toContain("signup");
  serve.signal("SIGTERM");
  expect(await serve.ended()).toBe(0);
}, 60_000);

test("a folder or a schema that will not do ends serve with exit 2 and a sentence", async () => {
  writeFileSync(join(folder, "broken.json"), '{"type":"objekt"}');
  for (const [path, word] of [
    [folder, "broken.json"],
    [join(folder, "nowhere"), "cannot be read"],
  ] as const) {
    const serve = new CommandProcess("serve", { args: ["--schemas", path, "--port", "0"] });
    expect(await serve.ended()).toBe(2);
    expect(serve.stderr).toContain(word);
  }
}, 20_000);

function text(bytes: Uint8Array | null): string {
  return Buffer.from(bytes!).toString();
}
