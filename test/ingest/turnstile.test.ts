/** Who goes in when, and what waits counts. */
import { expect, test } from "bun:test";
import { Admission } from "../../src/ingest/admission.ts";
import { ENOUGH_EVENTS, PATIENCE_MS, SMALL_BYTES, Turnstile, WAIT_MAX_MS } from "../../src/ingest/turnstile.ts";
import { ManualClock } from "../support/clock.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const BODY_BYTES = 200_000;

class Bench {
  readonly clock = new ManualClock();
  readonly admission = new Admission({ maxPendingEvents: 100_000, maxPendingBytes: 1_000_000, maxMemoryMb: 10_000 });
  readonly turnstile = new Turnstile(this.admission, this.clock);
  /** The batches that went in, by name. */
  readonly inside: string[] = [];

  /** A batch of so many events. */
  pass(name: string, events = 1000, bytes = BODY_BYTES): void {
    this.turnstile.pass(bytes, () => {
      this.inside.push(name);
      for (let i = 0; i < events; i++) this.admission.admit(0);
    });
  }

  /** Kafka's word on so many events. */
  settle(events: number): void {
    for (let i = 0; i < events; i++) {
      this.admission.release(0);
      this.turnstile.reconsider();
    }
  }
}

test("below the limit all go in at once, and nothing is planned", () => {
  const bench = new Bench();
  for (const name of "abcd") bench.pass(name);
  expect(bench.inside.join("")).toBe("abcd");
  expect(bench.admission.events).toBe(ENOUGH_EVENTS);
  expect(bench.admission.waitingBytes).toBe(0);
  expect(bench.clock.nextDelayMs).toBeUndefined();
});

test("above it they wait, in order, and go in as Kafka's answers make room, a turn each", async () => {
  const bench = new Bench();
  for (const name of "abcdefg") bench.pass(name);
  expect(bench.inside.join("")).toBe("abcd");
  expect(bench.admission.waitingBytes).toBe(3 * BODY_BYTES);
  bench.settle(1001);
  // Kafka's answers are read to the end first.
  expect(bench.inside.join("")).toBe("abcd");
  await turn();
  expect(bench.inside.join("")).toBe("abcde");
  expect(bench.admission.waitingBytes).toBe(2 * BODY_BYTES);
  await turn();
  expect(bench.inside.join("")).toBe("abcdef");
  await turn();
  expect(bench.inside.join("")).toBe("abcdef");
  bench.settle(5000);
  await turn();
  expect(bench.inside.join("")).toBe("abcdefg");
  expect(bench.admission.waitingBytes).toBe(0);
});

test("who comes while others wait goes behind them, even where there is room again", async () => {
  const bench = new Bench();
  bench.pass("a", ENOUGH_EVENTS);
  bench.pass("b");
  bench.settle(ENOUGH_EVENTS);
  bench.pass("c");
  expect(bench.inside.join("")).toBe("a");
  await turn();
  await turn();
  expect(bench.inside.join("")).toBe("abc");
});

test("several go in at a time, up to the bytes and the events that are enough", async () => {
  const bench = new Bench();
  bench.pass("a", ENOUGH_EVENTS);
  for (const name of "bcdefghijk") bench.pass(name, 10, 5000);
  bench.settle(45);
  await turn();
  expect(bench.inside.join("")).toBe("abcdef");
  bench.settle(ENOUGH_EVENTS);
  await turn();
  expect(bench.inside.join("")).toBe("abcdefghijk");
});

test("a small one never waits", () => {
  const bench = new Bench();
  bench.pass("a", ENOUGH_EVENTS);
  bench.pass("b");
  bench.pass("c", 1, SMALL_BYTES);
  expect(bench.inside.join("")).toBe("ac");
});

test("one that brings nothing holds up nobody", async () => {
  const bench = new Bench();
  bench.pass("a", ENOUGH_EVENTS);
  for (const name of "bcd") bench.pass(name, 0);
  bench.settle(1);
  for (let i = 0; i < 3; i++) await turn();
  expect(bench.inside.join("")).toBe("abcd");
});

test("an idle thread lets in more than the limit, a busy one does not", () => {
  const bench = new Bench();
  for (const name of "abcdefgh") bench.pass(name);
  // In time: there was nothing else to do.
  bench.clock.advance(1);
  expect(bench.inside.join("")).toBe("abcdef");
  // Late: there was.
  bench.clock.advance(3);
  bench.clock.advance(3);
  expect(bench.inside.join("")).toBe("abcdef");
  bench.clock.advance(1);
  expect(bench.inside.join("")).toBe("abcdefgh");
  expect(bench.clock.nextDelayMs).toBeUndefined();
});

test("nobody waits for ever, however busy it is", () => {
  const bench = new Bench();
  for (const name of "abcdefgh") bench.pass(name);
  for (let ms = 0; ms < PATIENCE_MS - 3; ms += 3) bench.clock.advance(3);
  expect(bench.inside.join("")).toBe("abcd");
  bench.clock.advance(3);
  expect(bench.inside.join("")).toBe("abcdef");
  bench.clock.advance(3);
  expect(bench.inside.join("")).toBe("abcdefgh");
});

test("an idle thread lets in no more events at a time than are enough", () => {
  const bench = new Bench();
  bench.pass("a", ENOUGH_EVENTS);
  for (const name of "bcdefgh") bench.pass(name, 2500, 10_000);
  bench.clock.advance(1);
  expect(bench.inside.join("")).toBe("abc");
});

test("where those that wait have waited for too long, the next is not read", () => {
  const bench = new Bench();
  for (const name of "abcdef") bench.pass(name);
  bench.clock.advance(WAIT_MAX_MS);
  expect(bench.turnstile.whyFull).toBeUndefined();
  for (const name of "ghijklmn") bench.pass(name);
  bench.clock.advance(WAIT_MAX_MS + 1);
  expect(bench.turnstile.whyFull).toMatchObject({ code: "overloaded", detail: expect.stringContaining("1.0 s") });
  bench.turnstile.open();
  expect(bench.turnstile.whyFull).toBeUndefined();
});

test("what waits has the room that bodies have; where there is none left, it goes in at once", () => {
  const bench = new Bench();
  expect(bench.admission.admitBody(200_000)).toBeUndefined();
  bench.pass("a", ENOUGH_EVENTS);
  for (const name of "bcde") bench.pass(name);
  expect(bench.admission.waitingBytes).toBe(800_000);
  expect(bench.admission.admitBody(1)).toMatchObject({ code: "overloaded", limit: { name: "max_pending_bytes" } });
  // Slow bodies are not cut off for the sake of what was read.
  expect(bench.admission.isCrowdedByBodies).toBeFalse();
  expect(bench.inside.join("")).toBe("a");
  bench.pass("f");
  expect(bench.inside.join("")).toBe("af");
});

test("opened, it lets in what waits, and everything that comes", () => {
  const bench = new Bench();
  for (const name of "abcdef") bench.pass(name);
  bench.turnstile.open();
  bench.pass("g");
  expect(bench.inside.join("")).toBe("abcdefg");
  expect(bench.admission.waitingBytes).toBe(0);
  expect(bench.clock.nextDelayMs).toBeUndefined();
});
