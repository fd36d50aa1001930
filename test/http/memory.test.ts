/** What is taken in keeps no more memory than the budget knows of. */
import { expect, test } from "bun:test";
import { makeHttp } from "./support.ts";

async function send(path: string, type: string, body: string) {
  const { post, ingest, published } = makeHttp();
  const { status } = await post(path, body, { "content-type": type });
  ingest.stop();
  return { status, kept: published.map(({ value }) => value!.buffer.byteLength) };
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
  const { status, kept } = await send(path, type, body);
  expect(status).toBeWithin(202, 208);
  expect(kept.length).toBeGreaterThan(0);
  for (const bytes of kept) expect(bytes).toBeLessThan(1000);
});

test("events that make up their body are not copied", async () => {
  const body = `${JSON.stringify({ fill: "x".repeat(100) })}\n`.repeat(100);
  const { kept } = await send("/register_events", "application/x-ndjson", body);
  expect(new Set(kept)).toEqual(new Set([body.length]));
});
