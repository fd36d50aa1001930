/** What is taken in keeps no more memory than the budget knows of. */
import { expect, test } from "bun:test";
import { createApp } from "../../src/http/index.ts";
import { Filed, Ingest, type PendingEvent } from "../../src/ingest/index.ts";
import { createLog } from "../../src/log.ts";
import { parseOptions } from "../../src/options/core.ts";
import { serveOptions } from "../../src/options/serve.ts";

function make() {
  const limits = parseOptions(serveOptions, [], {});
  const published: PendingEvent[] = [];
  const ingest = new Ingest({
    publish: (batch, settle) => {
      for (const event of batch) {
        published.push(event);
        settle(event, { status: "acked", topic: event.topic, partition: 0, offset: 0 });
      }
    },
    kafkaAwayMs: () => 0,
    limits,
    buffer: { lingerMs: undefined, maxEvents: 1, maxBytes: undefined },
  });
  const nothing = () => Promise.resolve(new Map());
  const app = createApp({
    ingest,
    filed: new Filed({ readCommitted: nothing, readHighWatermarks: nothing, timeoutMs: 0, maxWaiting: 0 }),
    state: () => {
      throw new Error("not asked for");
    },
    isStopping: () => false,
    log: createLog("test", "silent"),
    version: "",
    limits,
    topics: ["events"],
    ack: "all",
    rules: { keyMember: undefined, schemaProblem: undefined },
    deadLetters: undefined,
    metrics: () => Promise.resolve(new Response()),
    keys: undefined,
    corsOrigins: undefined,
  });
  const send = async (path: string, type: string, body: string) => {
    const request = new Request(`http://localhost${path}`, { method: "POST", headers: { "content-type": type }, body });
    const response = await app.handle(request);
    ingest.stop();
    return { status: response.status, kept: published.map(({ value }) => value!.buffer.byteLength) };
  };
  return { send };
}

const BLANKS = " ".repeat(500_000);

test.each([
  ["/register_events", "application/json", `[{},${BLANKS}{}]`],
  ["/register_events", "application/x-ndjson", `{}\n${BLANKS}\n{}\n`],
  // What is refused beside them keeps nothing either.
  ["/register_events", "application/x-ndjson", `{}\n{}\n"${BLANKS}"\n`],
  [
    "/register_event",
    "application/cloudevents+json",
    `{"specversion":"1.0","id":"1","source":"/s","type":"t",${BLANKS}"data":1}`,
  ],
])("small events in a large body keep only themselves: %s %s", async (path, type, body) => {
  const { status, kept } = await make().send(path, type, body);
  expect(status).toBeWithin(202, 208);
  expect(kept.length).toBeGreaterThan(0);
  for (const bytes of kept) expect(bytes).toBeLessThan(1000);
});

test("events that make up their body are not copied", async () => {
  const body = `${JSON.stringify({ fill: "x".repeat(100) })}\n`.repeat(100);
  const { kept } = await make().send("/register_events", "application/x-ndjson", body);
  expect(new Set(kept)).toEqual(new Set([body.length]));
});
