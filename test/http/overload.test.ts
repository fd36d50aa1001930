/** What is refused because there is too much is refused for next to nothing. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { makeHttp } from "./support.ts";

/** A body, and whether anybody has read of it. */
function watchedBody() {
  const seen = { isRead: false };
  const stream = new ReadableStream(
    {
      pull(controller) {
        seen.isRead = true;
        controller.enqueue(Buffer.from("[{}]"));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { seen, stream };
}

test("while the budget is used up, a request is refused before its body is read", async () => {
  const { post, kafka, ingest, ackAll } = makeHttp(["--max-pending-events", "1"]);
  kafka.isAcking = false;
  const first = post("/register_event", "{}");
  while (ingest.fill.pendingEvents === 0) await Bun.sleep(1);

  const { seen, stream } = watchedBody();
  const refused = await post("/register_events", stream);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(await refused.json()).toMatchObject({
    code: "overloaded",
    retry: true,
    limit: { name: "max_pending_events", max: 1, actual: 1 },
    detail: expect.stringContaining("max_pending_events is 1"),
  });
  expect(seen.isRead).toBeFalse();
  expect(ingest.counts.refused).toEqual({ overloaded: 1 });

  ackAll();
  expect((await first).status).toBe(202);
  kafka.isAcking = true;
  expect((await post("/register_events", watchedBody().stream)).status).toBe(202);
  ingest.stop();
});

test("a full budget hides neither that Kafka is away nor that the server stops", async () => {
  const { post, kafka, ingest, ackAll } = makeHttp(["--max-pending-events", "1"]);
  kafka.isAcking = false;
  const first = post("/register_event", "{}");
  while (ingest.fill.pendingEvents === 0) await Bun.sleep(1);
  kafka.awayMs = 2000;
  expect(await (await post("/register_event", "{}")).json()).toMatchObject({ code: "kafka_unreachable" });
  kafka.awayMs = 0;
  const drained = ingest.drain();
  expect(await (await post("/register_event", "{}")).json()).toMatchObject({ code: "shutting_down" });
  ackAll();
  await Promise.all([first, drained]);
  ingest.stop();
});

/** Brings some bytes and then nothing more. */
function stalledBody(bytes: number): ReadableStream {
  return new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(bytes).fill(0x20)) });
}

test("slow bodies that keep out others are cut off early; where there is room they have their time", async () => {
  const { post, ingest } = makeHttp(["--max-pending-bytes", "1000000", "--body-timeout-ms", "60000"]);
  const alone = post("/register_events", stalledBody(100_000));
  const first = await Promise.race([alone, Bun.sleep(2600).then(() => "still read")]);
  expect(first).toBe("still read");

  const crowding = [post("/register_events", stalledBody(500_000)), post("/register_events", stalledBody(300_000))];
  const blank = " ".repeat(200_000);
  expect((await post("/register_events", `[{}${blank}]`)).status).toBe(503);
  for (const answer of await Promise.all([alone, ...crowding])) {
    expect([answer.status, answer.headers.get("connection")]).toEqual([408, "close"]);
    expect(await answer.json()).toMatchObject({
      code: "body_timeout",
      retry: true,
      limit: { name: "body_timeout_ms", max: 60_000 },
      detail: expect.stringContaining("2000 ms"),
    });
  }
  ingest.stop();
}, 20_000);

test("an encoded body counts until it is decoded, also while it waits for its turn", async () => {
  const { post, ingest } = makeHttp(["--max-pending-bytes", "4000000"]);
  const body = gzipSync(JSON.stringify([{ fill: randomBytes(500_000).toString("hex") }]), { level: 1 });
  const sent = Array.from({ length: 30 }, () => post("/register_events", body, { "content-encoding": "gzip" }));
  let most = 0;
  let isOver = false;
  const answers = Promise.all(sent).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    most = Math.max(most, ingest.admission.bodyBytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const statuses = new Set((await answers).map(({ status }) => status));
  expect(statuses).toEqual(new Set([413, 503]));
  expect(most).toBeWithin(3 * body.byteLength, 4_000_001);
  expect(ingest.admission.bodyBytes).toBe(0);
  ingest.stop();
});

const batchOf = (events: number) => `${JSON.stringify({ n: 1 })}\n`.repeat(events);
const NDJSON = { "content-type": "application/x-ndjson" };
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Twenty batches of a thousand, while Kafka says nothing; as soon as some wait. */
async function crowd() {
  const http = makeHttp();
  http.kafka.isAcking = false;
  const plain = Array.from({ length: 18 }, () => http.post("/register_events", batchOf(1000), NDJSON));
  const packed = Array.from({ length: 2 }, () =>
    http.post("/register_events", gzipSync(batchOf(1000)), { ...NDJSON, "content-encoding": "gzip" }),
  );
  while (http.ingest.admission.waitingBytes === 0) await nextTurn();
  expect(http.published.length).toBeWithin(4000, 20_000);
  return { ...http, posts: [...plain, ...packed] };
}

test("batches beyond what is under way wait, and go on while Kafka is slow and the thread idle", async () => {
  const { ingest, published, ackAll, posts } = await crowd();
  while (published.length < 20_000) await nextTurn();
  expect(ingest.admission.waitingBytes).toBe(0);
  ackAll();
  for (const answer of await Promise.all(posts)) expect(await answer.json()).toMatchObject({ accepted: 1000 });
  ingest.stop();
});

test("batches that wait when the server stops are told so, and those before them are taken", async () => {
  const { ingest, ackAll, posts } = await crowd();
  const drained = ingest.drain();
  expect(ingest.admission.waitingBytes).toBe(0);
  ackAll();
  await drained;
  let taken = 0;
  for (const post of posts) {
    const { accepted, problems } = (await (await post).json()) as { accepted: number; problems: { code: string }[] };
    if (accepted === 1000) taken++;
    else expect([accepted, new Set(problems.map(({ code }) => code))]).toEqual([0, new Set(["shutting_down"])]);
  }
  expect(taken).toBeWithin(4, 20);
  ingest.stop();
});
