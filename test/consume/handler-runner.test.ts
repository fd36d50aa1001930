import { expect, test } from "bun:test";
import type { Handler, HandlerRecord } from "../../src/consume/handler.ts";
import { HandlerRunner, type HandlerRunnerOptions, HandlingStopped } from "../../src/consume/handler-runner.ts";
import { ManualClock } from "../support/clock.ts";
import { until } from "./support.ts";

function recordAt(offset: number): HandlerRecord {
  const value = new TextEncoder().encode(`${offset}`);
  return {
    topic: "t",
    partition: 0,
    offset,
    timestampMs: 0,
    key: null,
    value,
    headers: [],
    text: () => `${offset}`,
    json: () => offset,
  };
}

const impatient = {
  nowMs: () => 0,
  after(ms: number, action: () => void) {
    // Pauses are over at once; the time for a call never is.
    if (ms < 50_000) queueMicrotask(action);
    return () => {};
  },
};

function make(handler: Handler, over: Partial<HandlerRunnerOptions> = {}) {
  const buried: [offset: number, message: string, attempts: number][] = [];
  const calls: number[][] = [];
  const runner = new HandlerRunner({
    handler: (records, signal) => {
      calls.push(records.map(({ offset }) => offset));
      return handler(records, signal);
    },
    bury: async ({ offset }, { message }, attempts) => {
      buried.push([offset, message, attempts]);
    },
    log: () => {},
    retries: 2,
    backoffMs: 100,
    timeoutMs: 60_000,
    clock: impatient,
    ...over,
  });
  return { runner, buried, calls };
}

const records = [1, 2, 3, 4].map(recordAt);

test("a batch that works is called once", async () => {
  const { runner, calls, buried } = make(() => {});
  await runner.run(records);
  expect(calls).toEqual([[1, 2, 3, 4]]);
  expect(buried).toEqual([]);
  expect(runner.counts).toEqual({ handled: 4, retries: 0, deadLettered: 0 });
  await runner.run([]);
  expect(calls).toHaveLength(1);
});

test("a batch that fails is tried again, also where it throws at once or throws what is no error", async () => {
  let failures = 2;
  const { runner, calls } = make(() => {
    if (failures-- > 0) throw failures === 1 ? new Error("no") : "a string";
  });
  await runner.run(records);
  expect(calls).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ]);
  expect(runner.counts).toEqual({ handled: 4, retries: 2, deadLettered: 0 });
});

test("then record by record, in order; what still fails is buried, and the rest is handled", async () => {
  const handled: number[] = [];
  const { runner, calls, buried } = make(async (batch) => {
    if (batch.some(({ offset }) => offset === 3)) throw new Error("poison");
    handled.push(...batch.map(({ offset }) => offset));
  });
  await runner.run(records);
  expect(handled).toEqual([1, 2, 4]);
  expect(buried).toEqual([[3, "poison", 3]]);
  expect(calls.slice(3)).toEqual([[1], [2], [3], [3], [3], [4]]);
  expect(runner.counts).toEqual({ handled: 3, retries: 4, deadLettered: 1 });
});

test("a single record is not tried a second round", async () => {
  const { runner, calls, buried } = make(() => {
    throw new Error("poison");
  });
  await runner.run([recordAt(7)]);
  expect(calls).toHaveLength(3);
  expect(buried).toEqual([[7, "poison", 3]]);
});

test("a dead letter that is not published is tried until it is", async () => {
  let failures = 5;
  const { runner } = make(
    () => {
      throw new Error("poison");
    },
    {
      bury: async () => {
        if (failures-- > 0) throw new Error("Kafka is away");
      },
    },
  );
  await runner.run([recordAt(7)]);
  expect(failures).toBe(-1);
  expect(runner.counts.deadLettered).toBe(1);
});

test("a call that takes too long counts as failed, and its signal says so", async () => {
  const clock = new ManualClock();
  let reason: unknown;
  const { runner, buried } = make(
    (_batch, signal) => {
      signal.addEventListener("abort", () => {
        reason = signal.reason;
      });
      return new Promise(() => {});
    },
    { clock, retries: 0, timeoutMs: 5000 },
  );
  const running = runner.run([recordAt(1)]);
  await until("the call", () => clock.nextDelayMs === 5000);
  clock.advance(5000);
  await running;
  expect(buried).toEqual([[1, expect.stringContaining("5000"), 1]]);
  expect(String(reason)).toContain("5000");
});

test("an error that nobody caught makes the call under way fail; without one it is nobody's", async () => {
  const { promise: called, resolve } = Promise.withResolvers<AbortSignal>();
  let isFirst = true;
  const { runner, calls } = make((_, signal) => {
    if (!isFirst) return;
    isFirst = false;
    resolve(signal);
    return new Promise<void>(() => {});
  });
  expect(runner.fail(new Error("before"))).toBe(false);
  const running = runner.run(records);
  const signal = await called;
  expect(runner.fail(new Error("floating"))).toBe(true);
  await running;
  expect(signal.aborted).toBe(true);
  expect(calls).toHaveLength(2);
  expect(runner.counts).toEqual({ handled: 4, retries: 1, deadLettered: 0 });
  expect(runner.fail(new Error("after"))).toBe(false);
});

test("pauses double", async () => {
  const clock = new ManualClock();
  const { runner } = make(
    () => {
      throw new Error("no");
    },
    { clock, retries: 3, timeoutMs: 100_000 },
  );
  const running = runner.run([recordAt(1)]);
  for (const ms of [100, 200, 400]) {
    await until("the pause", () => clock.nextDelayMs === ms);
    clock.advance(ms);
  }
  await running;
});

test.each(["a call", "a pause", "a burial", "a burial that hangs"])(
  "a stop in the middle of %s ends it, and nothing is buried",
  async (where) => {
    const clock = new ManualClock();
    const { runner, buried } = make(
      () => {
        if (where === "a call") return new Promise(() => {});
        throw new Error("no");
      },
      {
        clock,
        retries: where === "a pause" ? 5 : 0,
        ...(where === "a burial" && {
          bury: () => {
            runner.stop();
            return Promise.reject(new Error("away"));
          },
        }),
        ...(where === "a burial that hangs" && { bury: () => new Promise<void>(() => {}) }),
      },
    );
    const running = runner.run([recordAt(1)]);
    await until("under way", () => clock.nextDelayMs !== undefined || where.startsWith("a burial"));
    runner.stop();
    expect(running).rejects.toThrow(HandlingStopped);
    await running.catch(() => {});
    expect(buried).toEqual([]);
  },
);
