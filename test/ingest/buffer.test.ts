import { expect, test } from "bun:test";
import {
  COMPANY_MAX_EVENTS,
  LingerBuffer,
  PATIENCE,
  PATIENCE_OF_ONE_OF_SEVERAL,
  QUIET_MS,
  REMEMBERED_MS,
} from "../../src/ingest/buffer.ts";
import { PendingEvent } from "../../src/ingest/event.ts";
import { ManualClock } from "../support/clock.ts";

const ADAPTIVE = { lingerMs: undefined, maxEvents: undefined, maxBytes: undefined };

function event(): PendingEvent {
  const accepted = {
    topic: "t",
    id: "i",
    isIdOwn: false,
    key: null,
    value: null,
    headers: [],
    timestampMs: undefined,
    receivedAtMs: 1,
  };
  return new PendingEvent(accepted, 10, 0, { receive: () => {} }, 0);
}

class Bench {
  underWay = 0;
  readonly batches: number[] = [];
  readonly clock = new ManualClock();
  readonly buffer: LingerBuffer;

  constructor(limits: ConstructorParameters<typeof LingerBuffer>[0] = ADAPTIVE) {
    this.buffer = new LingerBuffer(
      limits,
      () => this.underWay + this.buffer.events,
      (batch) => this.batches.push(batch.length),
      this.clock,
    );
  }

  /** Events of one turn of the event loop; resolves after its end. */
  async turn(events: number): Promise<void> {
    for (let i = 0; i < events; i++) this.buffer.add(event());
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

test("what arrives in one turn leaves together at its end", async () => {
  const bench = new Bench();
  const turn = bench.turn(3);
  expect(bench.batches).toEqual([]);
  await turn;
  expect(bench.batches).toEqual([3]);
});

test("half of what is about leaves at the end of its turn", async () => {
  const bench = new Bench();
  bench.underWay = 100;
  await bench.turn(100);
  expect(bench.batches).toEqual([100]);
});

test("less than that waits for more events, and takes along all of the turn in which they come", async () => {
  const bench = new Bench();
  bench.underWay = 190;
  await bench.turn(10);
  expect(bench.batches).toEqual([]);
  await bench.turn(89);
  expect(bench.batches).toEqual([]);
  await bench.turn(5);
  expect(bench.batches).toEqual([104]);
});

test("one of several processes waits for four fifths", async () => {
  const bench = new Bench({ ...ADAPTIVE, isOneOfSeveral: true });
  bench.underWay = 90;
  await bench.turn(10);
  await bench.turn(69);
  expect(bench.batches).toEqual([]);
  await bench.turn(1);
  expect(bench.batches).toEqual([80]);
});

test("outcomes that come sooner do not end the wait", async () => {
  const bench = new Bench();
  bench.underWay = 90;
  await bench.turn(10);
  bench.underWay = 0;
  await bench.turn(39);
  expect(bench.batches).toEqual([]);
  await bench.turn(1);
  expect(bench.batches).toEqual([50]);
});

test.each([1, REMEMBERED_MS - 1, REMEMBERED_MS + 1])(
  "nor do they make the next batch a small one, %d ms later",
  async (laterMs) => {
    const bench = new Bench();
    bench.underWay = 50;
    await bench.turn(50);
    bench.underWay = 0;
    bench.clock.advance(laterMs);
    await bench.turn(49);
    expect(bench.batches).toEqual([50]);
    await bench.turn(1);
    expect(bench.batches).toEqual([50, 50]);
  },
);

test("many at once do not hold up a lone event that comes a while later", async () => {
  const bench = new Bench();
  await bench.turn(1000);
  bench.clock.advance(2 * REMEMBERED_MS);
  await bench.turn(1);
  expect(bench.batches).toEqual([1000, 1]);
});

test.each([
  ["", ADAPTIVE, PATIENCE.fromEvents],
  [" of one of several processes", { ...ADAPTIVE, isOneOfSeveral: true }, PATIENCE_OF_ONE_OF_SEVERAL.fromEvents],
])("with few about nothing%s waits", async (_, limits, fromEvents) => {
  const bench = new Bench(limits);
  bench.underWay = fromEvents - 2;
  await bench.turn(1);
  expect(bench.batches).toEqual([1]);
  bench.underWay = fromEvents - 1;
  await bench.turn(1);
  expect(bench.batches).toEqual([1]);
});

test("of many about, enough is enough", async () => {
  const bench = new Bench();
  bench.underWay = 100 * COMPANY_MAX_EVENTS;
  await bench.turn(COMPANY_MAX_EVENTS - 1);
  expect(bench.batches).toEqual([]);
  await bench.turn(1);
  expect(bench.batches).toEqual([COMPANY_MAX_EVENTS]);
});

test("the wait is over once nobody comes for a millisecond", async () => {
  const bench = new Bench();
  bench.underWay = 400;
  await bench.turn(10);
  bench.clock.advance(QUIET_MS);
  expect(bench.batches).toEqual([10]);
  expect(bench.buffer.events).toBe(0);
  // Nothing is left of it.
  expect(bench.clock.nextDelayMs).toBeUndefined();
});

test.each([
  ["", ADAPTIVE, PATIENCE.maxMs],
  [" of one of several processes", { ...ADAPTIVE, isOneOfSeveral: true }, PATIENCE_OF_ONE_OF_SEVERAL.maxMs],
])("the wait%s lasts while somebody comes, and a few milliseconds at the most", async (_, limits, maxMs) => {
  const bench = new Bench(limits);
  bench.underWay = 400;
  await bench.turn(1);
  for (let waitedMs = QUIET_MS; waitedMs < maxMs; waitedMs += QUIET_MS) {
    await bench.turn(1);
    bench.clock.advance(QUIET_MS);
    expect(bench.batches).toEqual([]);
  }
  await bench.turn(1);
  bench.clock.advance(QUIET_MS);
  expect(bench.batches).toEqual([1 + maxMs / QUIET_MS]);
});

test("flush takes what is held; limits take it before", async () => {
  const bench = new Bench({ ...ADAPTIVE, maxEvents: 12 });
  bench.underWay = 1000;
  await bench.turn(10);
  bench.buffer.flush();
  expect(bench.clock.nextDelayMs).toBeUndefined();
  await bench.turn(12);
  expect(bench.batches).toEqual([10, 12]);
});

test("a fixed linger is kept, whatever is about", async () => {
  const bench = new Bench({ ...ADAPTIVE, lingerMs: 20 });
  await bench.turn(2);
  bench.clock.advance(19);
  expect(bench.batches).toEqual([]);
  bench.clock.advance(1);
  expect(bench.batches).toEqual([2]);
});
