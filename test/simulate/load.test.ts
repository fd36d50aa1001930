/** The sending loop on a clock of the test's own: pacing, the cap on what is under way, stopping and giving up. */
import { describe, expect, test } from "bun:test";
import type { Clock } from "../../src/clock.ts";
import { createEventSource } from "../../src/simulate/events.ts";
import { Load, type LoadPlan, MAX_FAILED_CONNECTIONS } from "../../src/simulate/load.ts";
import { acked, type Outcome, unreachable } from "../../src/simulate/outcome.ts";
import { Tally } from "../../src/simulate/tally.ts";

/** Time that passes only from one timer to the next, once everything that could run has run. */
class TestClock implements Clock {
  #nowMs = 1_000;
  readonly #timers = new Set<{ atMs: number; callback: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  async runUntil(done: Promise<void>): Promise<void> {
    let isDone = false;
    void done.then(() => {
      isDone = true;
    });
    for (;;) {
      await new Promise(setImmediate);
      if (isDone) return;
      const [next] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) throw new Error("the load waits for something that will not come");
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
  }
}

/** A load whose requests take as long as `takesMs` says of the n-th one. */
function simulated(
  plan: LoadPlan,
  takesMs: (index: number) => number,
  outcome: (index: number) => Outcome = () => acked,
) {
  const clock = new TestClock();
  const tally = new Tally();
  const sentAtMs: number[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const post = async () => {
    const index = sentAtMs.push(clock.nowMs() - 1_000) - 1;
    mostUnderWay = Math.max(mostUnderWay, ++underWay);
    await new Promise<void>((resolve) => clock.after(takesMs(index), resolve));
    underWay--;
    return outcome(index);
  };
  const load = new Load(plan, { source: createEventSource(1), post, clock, tally });
  return { load, clock, tally, sentAtMs, mostUnderWay: () => mostUnderWay };
}

describe("with a rate", () => {
  test("each event goes out at its intended time", async () => {
    const run = simulated({ events: 100, concurrency: 64, ratePerS: 400 }, () => 20);
    await run.clock.runUntil(run.load.run());
    expect(run.sentAtMs).toEqual(Array.from({ length: 100 }, (_, index) => index * 2.5));
    expect(run.tally.latency.percentilesUs()?.max).toBeWithin(19_990, 20_020);
    expect(run.tally.sendDelay.percentilesUs()?.max).toBe(0);
    expect(run.load.elapsedMs).toBe(99 * 2.5 + 20);
    expect(run.load.lastAckMs).toBe(99 * 2.5 + 20);
  });

  test("a stall counts for every event that should have been sent meanwhile", async () => {
    // One connection, an event every 10 ms, each taking 1 ms; the first one stalls for a second.
    const run = simulated({ events: 101, concurrency: 1, ratePerS: 100 }, (index) => (index === 0 ? 1_000 : 1));
    await run.clock.runUntil(run.load.run());
    const latency = run.tally.latency.percentilesUs()!;
    // The queue behind the stall drains 9 ms an event: latencies fall evenly from 1,000 ms to about 100 ms.
    // Measured from the actual sending, all but one would have read 1 ms.
    expect(latency.max).toBeWithin(999_000, 1_001_000);
    expect(latency.p50).toBeWithin(540_000, 560_000);
    expect(run.tally.sendDelay.percentilesUs()!.max).toBeWithin(980_000, 1_000_000);
    expect(run.mostUnderWay()).toBe(1);
  });

  test("a stop does not wait for the next intended time", async () => {
    const run = simulated({ events: 10, concurrency: 4, ratePerS: 1 }, () => 1);
    run.clock.after(2_500, () => run.load.stop());
    await run.clock.runUntil(run.load.run());
    expect(run.sentAtMs).toEqual([0, 1_000, 2_000]);
    expect(run.load.ending).toBe("interrupted");
    expect(run.clock.nowMs()).toBe(3_500);
  });
});

describe("without a rate", () => {
  test("the concurrency is reached and not passed, and everything is sent once", async () => {
    const run = simulated({ events: 1_000, concurrency: 16, ratePerS: 0 }, (index) => 1 + (index % 7));
    await run.clock.runUntil(run.load.run());
    expect(run.mostUnderWay()).toBe(16);
    expect(run.tally).toMatchObject({ sent: 1_000, acked: 1_000, refused: 0, unknown: 0 });
    expect(run.tally.sendDelay.percentilesUs()).toBeNull();
    expect(run.load.ending).toBe("complete");
  });

  test("a stop sends no more, and what is under way still gets its outcome", async () => {
    const run = simulated({ events: 1_000, concurrency: 8, ratePerS: 0 }, () => 10);
    run.clock.after(25, () => run.load.stop());
    await run.clock.runUntil(run.load.run());
    expect(run.tally).toMatchObject({ sent: 24, acked: 24 });
    expect(run.load.ending).toBe("interrupted");
  });

  test("a stop after the last event was sent changes nothing", async () => {
    const run = simulated({ events: 8, concurrency: 8, ratePerS: 0 }, () => 10);
    run.clock.after(5, () => run.load.stop());
    await run.clock.runUntil(run.load.run());
    expect(run.load.ending).toBe("complete");
  });

  test("connections that fail in a row end it", async () => {
    const run = simulated(
      { events: 10_000, concurrency: 1, ratePerS: 0 },
      () => 1,
      () => unreachable("connection_refused"),
    );
    await run.clock.runUntil(run.load.run());
    expect(run.tally).toMatchObject({ sent: MAX_FAILED_CONNECTIONS, refused: MAX_FAILED_CONNECTIONS });
    expect([run.load.ending, run.load.connectFailure]).toEqual(["unreachable", "connection_refused"]);
  });

  test("connections that fail now and then do not", async () => {
    const outcome = (index: number) =>
      index % MAX_FAILED_CONNECTIONS === 0 ? acked : unreachable("connection_refused");
    const run = simulated({ events: 200, concurrency: 1, ratePerS: 0 }, () => 1, outcome);
    await run.clock.runUntil(run.load.run());
    expect(run.tally).toMatchObject({ sent: 200, acked: 10, refused: 190 });
    expect([run.load.ending, run.load.connectFailure]).toEqual(["complete", undefined]);
  });
});
