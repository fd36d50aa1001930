import { expect, test } from "bun:test";
import { Filed, type FiledOptions } from "../../src/ingest/index.ts";
import type { Acked, Outcome } from "../../src/outcome.ts";
import { ManualClock } from "../support/clock.ts";

/** Every promise that was ready has had its turn. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

class Bench {
  readonly clock = new ManualClock();
  committed = new Map<number, number>();
  high = new Map<number, number>();
  asked = 0;
  isAway = false;
  readonly told: (Outcome | undefined)[] = [];
  readonly filed: Filed;

  constructor(over: Partial<FiledOptions> = {}) {
    const answer = async (offsets: Map<number, number>) => {
      this.asked++;
      if (this.isAway) throw new Error("away");
      return new Map(offsets);
    };
    this.filed = new Filed({
      readCommitted: () => answer(this.committed),
      readHighWatermarks: () => answer(this.high),
      timeoutMs: 1000,
      maxWaiting: 10,
      clock: this.clock,
      ...over,
    });
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  receive(outcome: Outcome): number {
    const index = this.told.push(undefined) - 1;
    const receiver = this.filed.before({
      receive: (at, given) => {
        this.told[at] = given;
      },
    });
    receiver.receive(index, outcome);
    return index;
  }
}

const acked = (partition: number, offset: number | null): Acked => ({ status: "acked", topic: "t", partition, offset });

test("an acked event is told when the group has committed past it, and only then", async () => {
  const bench = new Bench();
  bench.committed.set(0, 7);
  bench.receive(acked(0, 7));
  await settled();
  expect(bench.told).toEqual([undefined]);
  bench.committed.set(0, 8);
  await bench.pass(100);
  expect(bench.told).toEqual([{ ...acked(0, 7), isFiled: true }]);
});

test("without an offset it is the partition's high watermark of that moment that counts", async () => {
  const bench = new Bench();
  bench.high.set(0, 50);
  bench.committed.set(0, 49);
  bench.receive(acked(0, null));
  await settled();
  bench.high.set(0, 90);
  await bench.pass(100);
  expect(bench.told).toEqual([undefined]);
  bench.committed.set(0, 50);
  await bench.pass(100);
  expect(bench.told).toEqual([{ ...acked(0, null), isFiled: true }]);
});

test("past the time the answer says acked, and not filed", async () => {
  const bench = new Bench();
  bench.receive(acked(0, 7));
  await settled();
  await bench.pass(600);
  bench.receive(acked(0, 8));
  await bench.pass(500);
  expect(bench.told).toEqual([{ ...acked(0, 7), isFiled: false }, undefined]);
});

test("a Kafka that does not answer is asked again", async () => {
  const bench = new Bench();
  bench.isAway = true;
  bench.receive(acked(0, 7));
  await settled();
  bench.isAway = false;
  bench.committed.set(0, 8);
  await bench.pass(100);
  expect(bench.told).toEqual([{ ...acked(0, 7), isFiled: true }]);
});

test("what is not acked is told at once", () => {
  const bench = new Bench();
  bench.receive({ status: "spooled", topic: "t" });
  bench.receive({ status: "unknown", code: "delivery_unknown", detail: "?" });
  expect(bench.told.map((outcome) => outcome?.status)).toEqual(["spooled", "unknown"]);
  expect(bench.asked).toBe(0);
});

test("nobody is asked while nobody waits", async () => {
  const bench = new Bench();
  bench.committed.set(0, 100);
  bench.receive(acked(0, 7));
  await settled();
  await bench.pass(100);
  const { asked } = bench;
  expect(bench.clock.nextDelayMs).toBeUndefined();
  await bench.pass(1000);
  expect(bench.asked).toBe(asked);
});

test("those who wait are bounded: one more is told acked at once", () => {
  const bench = new Bench({ maxWaiting: 1 });
  bench.receive(acked(0, 1));
  bench.receive(acked(0, 2));
  expect(bench.told).toEqual([undefined, { ...acked(0, 2), isFiled: false }]);
  expect(bench.filed.waiting).toBe(1);
});

test("close tells everybody", async () => {
  const bench = new Bench();
  for (const partition of [0, 1, 2]) bench.receive(acked(partition, 1));
  const { whenIdle } = bench.filed;
  bench.filed.close();
  expect(bench.told.every((outcome) => outcome?.status === "acked" && outcome.isFiled === false)).toBe(true);
  await bench.pass(100);
  await whenIdle;
});
