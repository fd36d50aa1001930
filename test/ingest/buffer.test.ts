import { expect, test } from "bun:test";
import { LingerBuffer } from "../../src/ingest/buffer.ts";
import { PendingEvent } from "../../src/ingest/event.ts";

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
  #next = Promise.withResolvers<void>();
  readonly buffer: LingerBuffer;

  constructor(limits: ConstructorParameters<typeof LingerBuffer>[0] = ADAPTIVE) {
    this.buffer = new LingerBuffer(
      limits,
      () => this.underWay,
      (batch) => {
        this.batches.push(batch.length);
        this.#next.resolve();
        this.#next = Promise.withResolvers<void>();
      },
    );
  }

  add(events: number): void {
    for (let i = 0; i < events; i++) this.buffer.add(event());
  }

  get whenNext(): Promise<void> {
    return this.#next.promise;
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("with nothing under way, what arrives in one turn leaves together at its end", async () => {
  const bench = new Bench();
  bench.add(3);
  expect(bench.batches).toEqual([]);
  await turn();
  expect(bench.batches).toEqual([3]);
});

test("half of what is under way leaves at the end of its turn", async () => {
  const bench = new Bench();
  bench.underWay = 200;
  bench.add(100);
  await turn();
  expect(bench.batches).toEqual([100]);
});

test("less than that waits for more events", async () => {
  const bench = new Bench();
  bench.underWay = 200;
  bench.add(10);
  await turn();
  expect(bench.batches).toEqual([]);
  bench.add(90);
  await turn();
  expect(bench.batches).toEqual([100]);
});

test("or for outcomes", async () => {
  const bench = new Bench();
  bench.underWay = 400;
  bench.add(10);
  await turn();
  bench.underWay = 21;
  bench.buffer.reconsider();
  await turn();
  expect(bench.batches).toEqual([]);
  bench.underWay = 20;
  bench.buffer.reconsider();
  await turn();
  expect(bench.batches).toEqual([10]);
});

test("with few under way nothing is held", async () => {
  const bench = new Bench();
  bench.underWay = 3;
  bench.add(1);
  await turn();
  expect(bench.batches).toEqual([1]);
  bench.underWay = 4;
  bench.add(1);
  await turn();
  expect(bench.batches).toEqual([1]);
});

test("or for a millisecond, where neither comes", async () => {
  const bench = new Bench();
  bench.underWay = 400;
  bench.add(10);
  await bench.whenNext;
  expect(bench.batches).toEqual([10]);
  expect(bench.buffer.events).toBe(0);
});

test("one after the other: what was held does not hold what comes next", async () => {
  const bench = new Bench();
  bench.underWay = 1000;
  bench.add(1);
  await bench.whenNext;
  bench.underWay = 0;
  bench.add(1);
  await turn();
  expect(bench.batches).toEqual([1, 1]);
});

test("flush takes what is held; limits take it before", async () => {
  const bench = new Bench({ ...ADAPTIVE, maxEvents: 12 });
  bench.underWay = 1000;
  bench.add(10);
  await turn();
  bench.buffer.flush();
  bench.add(12);
  expect(bench.batches).toEqual([10, 12]);
});

test("a fixed linger is kept, whatever is under way", async () => {
  const bench = new Bench({ ...ADAPTIVE, lingerMs: 20 });
  bench.underWay = 0;
  const startedAt = performance.now();
  bench.add(2);
  await bench.whenNext;
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(19);
  expect(bench.batches).toEqual([2]);
});
