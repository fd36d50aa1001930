import { expect, test } from "bun:test";
import { type AcceptedEvent, DedupeWindow, digestOf, Ingest, type PendingEvent } from "../../src/ingest/index.ts";
import type { Outcome } from "../../src/outcome.ts";

type Settle = (event: PendingEvent, outcome: Outcome) => void;

/** An ingest with a window, and a Kafka that answers when the test says so. */
class Bench {
  readonly published: PendingEvent[] = [];
  readonly #settles = new Map<PendingEvent, Settle>();
  readonly ingest: Ingest;
  awayMs = 0;

  constructor(window = new DedupeWindow(100), limits: { maxPendingEvents?: number; deliveryTimeoutMs?: number } = {}) {
    this.ingest = new Ingest({
      publish: (batch, settle) => {
        for (const event of batch) {
          this.published.push(event);
          this.#settles.set(event, settle);
        }
      },
      kafkaAwayMs: () => this.awayMs,
      limits: {
        maxEventBytes: 1000,
        maxPendingEvents: 100,
        maxPendingBytes: 100_000,
        maxMemoryMb: 100_000,
        deliveryTimeoutMs: 10_000,
        ...limits,
      },
      // Every event goes to Kafka at once.
      buffer: { lingerMs: undefined, maxEvents: 1, maxBytes: undefined },
      window,
    });
  }

  /** What the client of this event is told, in the order of the sending. */
  send(event: AcceptedEvent): { outcome: Outcome | undefined; times: number } {
    const told: { outcome: Outcome | undefined; times: number } = { outcome: undefined, times: 0 };
    const receive = (_index: number, outcome: Outcome) => {
      told.outcome = outcome;
      told.times++;
    };
    const refusal = this.ingest.accept(event, { receive }, 0);
    if (refusal) receive(0, refusal);
    return told;
  }

  settle(index: number, outcome: Outcome): void {
    const event = this.published[index]!;
    this.#settles.get(event)!(event, outcome);
  }
}

const encoder = new TextEncoder();
const ACKED: Outcome = { status: "acked", topic: "t", partition: 3, offset: 7 };
const UNKNOWN: Outcome = { status: "unknown", code: "delivery_unknown", detail: "?" };
const NOT_DELIVERED: Outcome = { status: "refused", code: "not_delivered", detail: "no" };

function event(id: string, value = "v", over: Partial<AcceptedEvent> = {}): AcceptedEvent {
  return {
    topic: "t",
    id,
    isIdOwn: true,
    key: null,
    value: encoder.encode(value),
    headers: [],
    timestampMs: undefined,
    receivedAtMs: 0,
    ...over,
  };
}

test("a retry of an acked event gets the first one's receipt and is not published", () => {
  const bench = new Bench();
  bench.send(event("a"));
  bench.settle(0, ACKED);
  expect(bench.send(event("a"))).toEqual({ outcome: ACKED, times: 1 });
  expect(bench.published).toHaveLength(1);
  expect(bench.ingest.counts).toMatchObject({ accepted: 1, acked: 1, repeated: 1 });
  expect(bench.ingest.fill.pendingEvents).toBe(0);
});

test("it gets it while Kafka is away, too", () => {
  const bench = new Bench();
  bench.send(event("a"));
  bench.settle(0, ACKED);
  bench.awayMs = 5000;
  expect(bench.send(event("a")).outcome).toEqual(ACKED);
  expect(bench.send(event("b")).outcome).toMatchObject({ code: "kafka_unreachable" });
});

test("a twin of an event under way joins it, and all get the same outcome", () => {
  const bench = new Bench();
  const told = [event("a"), event("a"), event("a")].map((one) => bench.send(one));
  expect(bench.published).toHaveLength(1);
  expect(told.map((one) => one.outcome)).toEqual([undefined, undefined, undefined]);
  bench.settle(0, ACKED);
  expect(told).toEqual(told.map(() => ({ outcome: ACKED, times: 1 })));
});

test("twins count in the budget", () => {
  const bench = new Bench(new DedupeWindow(10), { maxPendingEvents: 3 });
  for (let i = 0; i < 3; i++) bench.send(event("a"));
  expect(bench.send(event("b")).outcome).toMatchObject({ code: "overloaded" });
  bench.settle(0, ACKED);
  expect(bench.send(event("b")).outcome).toBeUndefined();
});

test("one twin too many is refused, and takes no room", () => {
  const bench = new Bench(new DedupeWindow(10), { maxPendingEvents: 3 });
  const told = Array.from({ length: 1000 }, () => bench.send(event("a")));
  expect(told.filter(({ outcome }) => outcome === undefined)).toHaveLength(3);
  expect(told[3]!.outcome).toMatchObject({ status: "refused", code: "overloaded" });
  bench.settle(0, ACKED);
  expect(told.slice(0, 3).map(({ outcome }) => outcome)).toEqual([ACKED, ACKED, ACKED]);
});

test("an id that was given here is not remembered: nobody can send it again before the answer", () => {
  const window = new DedupeWindow(10);
  const bench = new Bench(window);
  bench.send(event("a", "v", { isIdOwn: false }));
  bench.settle(0, UNKNOWN);
  expect(window.events).toBe(0);
  expect(bench.send(event("a", "other")).outcome).toBeUndefined();
});

test("word of the first attempt that comes while the retry is under way is what counts when the retry fails", async () => {
  const bench = new Bench(new DedupeWindow(10), { deliveryTimeoutMs: 1 });
  const first = bench.send(event("a"));
  while (first.outcome === undefined) await Bun.sleep(20);
  const retry = bench.send(event("a"));
  bench.settle(0, ACKED);
  bench.settle(1, NOT_DELIVERED);
  expect(retry.outcome).toEqual(ACKED);
  expect(bench.send(event("a")).outcome).toEqual(ACKED);
  expect(bench.published).toHaveLength(2);
  bench.ingest.stop();
});

test("after unknown a retry is published and marked in the record and in the outcome", () => {
  const bench = new Bench();
  expect(bench.send(event("a")).outcome).toBeUndefined();
  bench.settle(0, UNKNOWN);
  const retry = bench.send(event("a"));
  expect(bench.published).toHaveLength(2);
  expect(bench.published[0]!.headers.map(([name]) => name)).not.toContain("possible_duplicate");
  expect(bench.published[1]!.headers).toContainEqual(["possible_duplicate", "true"]);
  bench.settle(1, ACKED);
  expect(retry.outcome).toEqual({ ...ACKED, isPossibleDuplicate: true });
  expect(bench.send(event("a")).outcome).toEqual({ ...ACKED, isPossibleDuplicate: true });
  expect(bench.published).toHaveLength(2);
});

test("a retry after unknown that is refused leaves the event unknown", () => {
  const bench = new Bench();
  bench.send(event("a"));
  bench.settle(0, UNKNOWN);
  bench.send(event("a"));
  bench.settle(1, NOT_DELIVERED);
  bench.send(event("a"));
  expect(bench.published[2]!.headers).toContainEqual(["possible_duplicate", "true"]);
});

test("what was not delivered is forgotten: its retry is a first attempt", () => {
  const bench = new Bench();
  bench.send(event("a"));
  bench.settle(0, NOT_DELIVERED);
  bench.send(event("a", "another value"));
  expect(bench.published).toHaveLength(2);
  expect(bench.published[1]!.headers.map(([name]) => name)).not.toContain("possible_duplicate");
});

test("what is refused at the door is forgotten", () => {
  const bench = new Bench();
  bench.awayMs = 5000;
  expect(bench.send(event("a")).outcome).toMatchObject({ code: "kafka_unreachable" });
  bench.awayMs = 0;
  expect(bench.send(event("a")).outcome).toBeUndefined();
  expect(bench.published).toHaveLength(1);
});

test("the same id with another value is a conflict, under way and after", () => {
  const bench = new Bench();
  bench.send(event("a", "one"));
  expect(bench.send(event("a", "two")).outcome).toMatchObject({ status: "refused", code: "id_conflict" });
  bench.settle(0, ACKED);
  expect(bench.send(event("a", "two")).outcome).toMatchObject({ status: "refused", code: "id_conflict" });
  expect(bench.send(event("a", "one")).outcome).toEqual(ACKED);
});

test("another topic, or another source, is another event", () => {
  const bench = new Bench();
  bench.send(event("a", "one"));
  bench.send(event("a", "two", { topic: "u" }));
  bench.send(event("a", "three", { headers: [["ce_source", "/x"]] }));
  bench.send(event("a", "four", { headers: [["ce_source", "/y"]] }));
  // Not to be mixed up where the bytes of both parts together are the same.
  bench.send(event("ya", "five", { headers: [["ce_source", "/"]] }));
  expect(bench.published).toHaveLength(5);
});

test("an event without a value is not the same as an empty one", () => {
  const bench = new Bench();
  bench.send(event("a", "", { value: null }));
  expect(bench.send(event("a", "")).outcome).toMatchObject({ code: "id_conflict" });
});

test("an id of a megabyte takes no more room than another", () => {
  const window = new DedupeWindow(2);
  const bench = new Bench(window);
  const id = "x".repeat(500);
  bench.send(event(id));
  for (const identity of window.underWay.keys()) expect(identity.length).toBeLessThan(130);
  bench.settle(0, ACKED);
  expect(bench.send(event(id)).outcome).toEqual(ACKED);
  expect(bench.send(event(`${id}y`)).outcome).toBeUndefined();
});

test("the window holds the last N ended events, and never lets go of one under way", () => {
  const window = new DedupeWindow(3);
  const bench = new Bench(window);
  bench.send(event("under way"));
  for (let i = 0; i < 5; i++) {
    bench.send(event(`e${i}`));
    bench.settle(i + 1, ACKED);
  }
  expect(window.events).toBe(4);
  bench.send(event("e4"));
  bench.send(event("e2"));
  expect(bench.published).toHaveLength(6);
  bench.send(event("e1"));
  bench.send(event("under way"));
  expect(bench.published).toHaveLength(7);
});

test("Kafka's late word on an event that was answered unknown settles it", async () => {
  const bench = new Bench(new DedupeWindow(10), { deliveryTimeoutMs: 1 });
  const first = bench.send(event("a"));
  const lost = bench.send(event("b"));
  while (lost.outcome === undefined) await Bun.sleep(20);
  expect([first.outcome, lost.outcome].map((outcome) => outcome?.status)).toEqual(["unknown", "unknown"]);
  bench.settle(0, ACKED);
  bench.settle(1, NOT_DELIVERED);
  expect(bench.send(event("a")).outcome).toEqual(ACKED);
  bench.send(event("b"));
  expect(bench.published).toHaveLength(3);
  expect(bench.published[2]!.headers.map(([name]) => name)).not.toContain("possible_duplicate");
  expect([first.times, lost.times]).toEqual([1, 1]);
  bench.ingest.stop();
});

test("records found in the topic at the start are known; the first of an id counts", () => {
  const window = new DedupeWindow(10);
  const digest = digestOf(encoder.encode("v"));
  const record = { topic: "t", id: "a", source: "", digest, partition: 1 };
  window.remember({ ...record, offset: 5 });
  window.remember({ ...record, offset: 6 });
  const bench = new Bench(window);
  expect(bench.send(event("a")).outcome).toEqual({ status: "acked", topic: "t", partition: 1, offset: 5 });
  expect(bench.send(event("a", "w")).outcome).toMatchObject({ code: "id_conflict" });
  expect(bench.published).toHaveLength(0);
});

test("random sends and outcomes, held against a model", () => {
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const bench = new Bench(new DedupeWindow(1000), { maxPendingEvents: 1000 });
    // By id: acked where it is in Kafka for sure, unknown where it may be.
    const model = new Map<string, "acked" | "unknown" | "under way">();
    const open: number[] = [];
    for (let step = 0; step < 60; step++) {
      if (open.length > 0 && random(2) === 0) {
        const [index] = open.splice(random(open.length), 1);
        const id = bench.published[index!]!.headers[0]![1];
        const outcome: Outcome = [ACKED, UNKNOWN, NOT_DELIVERED][random(3)]!;
        const wasUnknown = bench.published[index!]!.headers.some(([name]) => name === "possible_duplicate");
        bench.settle(index!, outcome);
        if (outcome === ACKED) model.set(id, "acked");
        else if (outcome === UNKNOWN || wasUnknown) model.set(id, "unknown");
        else model.delete(id);
      } else {
        const id = `e${random(6)}`;
        const before = bench.published.length;
        const told = bench.send(event(id));
        const isPublished = bench.published.length > before;
        const known = model.get(id);
        const expected = { seed, step, isPublished: known === undefined || known === "unknown" };
        expect({ seed, step, isPublished }).toEqual(expected);
        expect(told.outcome?.status).toBe(known === "acked" ? "acked" : undefined);
        if (!isPublished) continue;
        expect(bench.published.at(-1)!.headers.some(([name]) => name === "possible_duplicate")).toBe(
          known === "unknown",
        );
        model.set(id, "under way");
        open.push(before);
      }
    }
    bench.ingest.stop();
  }
});
