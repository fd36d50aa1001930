import { afterEach, expect, test } from "bun:test";
import {
  type AcceptedEvent,
  eventBytes,
  Ingest,
  type IngestOptions,
  type PendingEvent,
} from "../../src/ingest/index.ts";
import type { Outcome, Refused } from "../../src/outcome.ts";

const ACKED: Outcome = { status: "acked", topic: "t", partition: 0, offset: 1 };

/** A Kafka that answers when the test says so. */
class FakeKafka {
  readonly batches: (readonly PendingEvent[])[] = [];
  #settle: ((event: PendingEvent, outcome: Outcome) => void) | undefined;
  #onBatch = () => {};
  awayMs = 0;

  publish = (batch: readonly PendingEvent[], settle: (event: PendingEvent, outcome: Outcome) => void) => {
    this.batches.push(batch);
    this.#settle = settle;
    this.#onBatch();
  };

  batchCount(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onBatch = () => this.batches.length >= count && resolve();
      this.#onBatch();
    });
  }

  settle(event: PendingEvent, outcome: Outcome = ACKED): void {
    this.#settle?.(event, outcome);
  }

  settleAll(): void {
    for (const event of this.batches.flat()) this.settle(event);
  }
}

const opened: Ingest[] = [];
afterEach(() => {
  for (const ingest of opened.splice(0)) ingest.stop();
});

function make(
  kafka: FakeKafka,
  over: {
    limits?: Partial<IngestOptions["limits"]>;
    buffer?: Partial<IngestOptions["buffer"]>;
    spool?: IngestOptions["spool"];
  } = {},
): Ingest {
  const ingest = new Ingest({
    publish: kafka.publish,
    kafkaAwayMs: () => kafka.awayMs,
    limits: {
      maxEventBytes: 1000,
      maxPendingEvents: 100,
      maxPendingBytes: 10_000,
      maxMemoryMb: 10_000,
      deliveryTimeoutMs: 10_000,
      ...over.limits,
    },
    buffer: { lingerMs: undefined, maxEvents: undefined, maxBytes: undefined, ...over.buffer },
    spool: over.spool,
  });
  opened.push(ingest);
  return ingest;
}

function event(id: string, size = 10): AcceptedEvent {
  return {
    topic: "t",
    id,
    isIdOwn: true,
    key: null,
    value: new Uint8Array(size),
    headers: [],
    timestampMs: undefined,
    receivedAtMs: 1_700_000_000_000,
  };
}

function accept(ingest: Ingest, accepted: AcceptedEvent): Refused | Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  return ingest.accept(accepted, { receive: (_index, outcome) => resolve(outcome) }, 0) ?? promise;
}

test("a lone event leaves at the end of the turn; events of one turn leave together, in order", async () => {
  const kafka = new FakeKafka();
  const ingest = make(kafka);
  accept(ingest, event("a"));
  await kafka.batchCount(1);
  for (const id of ["b", "c", "d"]) accept(ingest, event(id));
  expect(ingest.fill.bufferedEvents).toBe(3);
  await kafka.batchCount(2);
  expect(kafka.batches.map((batch) => batch.map((e) => e.headers[0]![1]))).toEqual([["a"], ["b", "c", "d"]]);
});

test("batch-max-events and batch-max-bytes hand the buffer over at once", () => {
  const byCount = new FakeKafka();
  const counted = make(byCount, { buffer: { maxEvents: 2 } });
  accept(counted, event("a"));
  expect(byCount.batches.length).toBe(0);
  accept(counted, event("b"));
  expect(byCount.batches.length).toBe(1);
  const bySize = new FakeKafka();
  const sized = make(bySize, { buffer: { maxBytes: eventBytes(event("a")) + 1 } });
  accept(sized, event("a"));
  expect(bySize.batches.length).toBe(0);
  accept(sized, event("b"));
  expect(bySize.batches.length).toBe(1);
});

test("linger-ms waits for company, and no longer", async () => {
  const kafka = new FakeKafka();
  const ingest = make(kafka, { buffer: { lingerMs: 30 } });
  const started = performance.now();
  accept(ingest, event("a"));
  await new Promise((resolve) => setImmediate(resolve));
  accept(ingest, event("b"));
  await kafka.batchCount(1);
  expect(performance.now() - started).toBeGreaterThanOrEqual(28);
  expect(kafka.batches[0]!.length).toBe(2);
});

test("every event gets its own outcome, whatever the order of the reports", async () => {
  const kafka = new FakeKafka();
  const ingest = make(kafka);
  const answers = ["a", "b", "c"].map((id) => accept(ingest, event(id)));
  await kafka.batchCount(1);
  const [a, b, c] = kafka.batches[0]!;
  kafka.settle(c!, { status: "acked", topic: "t", partition: 2, offset: null });
  kafka.settle(a!, { status: "refused", code: "not_delivered", detail: "no" });
  kafka.settle(b!, { status: "unknown", code: "delivery_unknown", detail: "?" });
  expect((await Promise.all(answers)).map((o) => o.status)).toEqual(["refused", "unknown", "acked"]);
  expect(ingest.counts).toMatchObject({ accepted: 3, acked: 1, unknown: 1, refused: { not_delivered: 1 } });
  expect(ingest.fill).toEqual({ pendingEvents: 0, pendingBytes: 0, bufferedEvents: 0 });
});

test("the budget is bounded in events and in bytes, and comes back with the outcomes", async () => {
  const kafka = new FakeKafka();
  const ingest = make(kafka, { limits: { maxPendingEvents: 3 } });
  for (const id of ["a", "b", "c"]) expect(accept(ingest, event(id))).toBeInstanceOf(Promise);
  expect(accept(ingest, event("d"))).toMatchObject({ status: "refused", code: "overloaded" });
  expect(ingest.admission.retryAfterSeconds).toBeGreaterThanOrEqual(1);
  await kafka.batchCount(1);
  kafka.settleAll();
  expect(accept(ingest, event("e"))).toBeInstanceOf(Promise);
  const narrow = make(new FakeKafka(), { limits: { maxPendingBytes: 1500 } });
  accept(narrow, event("a", 900));
  expect(accept(narrow, event("b", 900))).toMatchObject({
    code: "overloaded",
    detail: expect.stringContaining("max_pending_bytes is 1500"),
  });
});

test("value, key and headers together count as the event's size", () => {
  const ingest = make(new FakeKafka());
  const overhead = eventBytes(event("id", 0));
  expect(overhead).toBe("id".length + "id".length + "received_at_ms".length + 13);
  expect(accept(ingest, event("id", 1000 - overhead))).toBeInstanceOf(Promise);
  expect(accept(ingest, event("id", 1000 - overhead + 1))).toMatchObject({ code: "event_too_large" });
  expect(accept(ingest, { ...event("id", 1000 - overhead), key: "ä" })).toMatchObject({ code: "event_too_large" });
});

test("Kafka away for over a second: refused at once; shorter: taken", () => {
  const kafka = new FakeKafka();
  const ingest = make(kafka);
  kafka.awayMs = 900;
  expect(accept(ingest, event("a"))).toBeInstanceOf(Promise);
  kafka.awayMs = 1001;
  expect(accept(ingest, event("b"))).toMatchObject({ code: "kafka_unreachable" });
});

test("no word from Kafka within the delivery timeout: unknown, once, and a late word changes nothing", async () => {
  const kafka = new FakeKafka();
  const ingest = make(kafka, { limits: { deliveryTimeoutMs: 300 } });
  const outcome = await accept(ingest, event("a"));
  expect(outcome).toMatchObject({ status: "unknown", code: "delivery_unknown" });
  expect(ingest.fill.pendingEvents).toBe(1);
  kafka.settleAll();
  expect(ingest.fill.pendingEvents).toBe(0);
  expect(ingest.counts).toMatchObject({ accepted: 1, acked: 0, unknown: 1 });
});

test("drain takes nothing more, hands over what lingers and waits for every outcome", async () => {
  const kafka = new FakeKafka();
  const ingest = make(kafka, { buffer: { lingerMs: 5000 } });
  const answer = accept(ingest, event("a"));
  const drained = ingest.drain();
  expect(kafka.batches.length).toBe(1);
  expect(accept(ingest, event("b"))).toMatchObject({ code: "shutting_down" });
  kafka.settleAll();
  await drained;
  expect((await answer).status).toBe("acked");
});

test("a spool that takes its time sends nothing more into itself once Kafka is back; flush hands over what lingers", async () => {
  const kafka = new FakeKafka();
  const stored: (() => void)[] = [];
  const put: NonNullable<IngestOptions["spool"]>["door"]["put"] = (_, onEnd) =>
    void stored.push(() => onEnd(undefined));
  const spool = { door: { holds: () => false, put }, afterMs: 20 };
  const ingest = make(kafka, { spool, buffer: { lingerMs: 60_000 } });
  kafka.awayMs = 500;
  const spooled = accept(ingest, event("a"));
  kafka.awayMs = 0;
  await Bun.sleep(40);
  expect(ingest.oldestMs).toBe(0);
  const direct = accept(ingest, event("b"));
  expect([stored.length, kafka.batches.length]).toEqual([1, 0]);
  ingest.flush();
  kafka.settleAll();
  expect(await direct).toEqual(ACKED);
  stored[0]!();
  expect(await spooled).toEqual({ status: "spooled", topic: "t" });
  expect(ingest.fill.pendingEvents).toBe(0);
});
