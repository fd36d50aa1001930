import { describe, expect, test } from "bun:test";
import { Pool, type PoolOptions } from "../../src/consume/pool.ts";
import { startThread, type ThreadHooks } from "../../src/consume/thread.ts";
import { type Lines, type StopMode, WorkerCells } from "../../src/consume/worker-messages.ts";
import { RESTART_LIMITS } from "../../src/restarts.ts";
import { ManualClock } from "../support/clock.ts";
import { keptLog, linesOf, TestFolder, textOf, until } from "./support.ts";

class FakeThread {
  readonly hooks: ThreadHooks;
  readonly stops: StopMode[] = [];
  readonly written: number[] = [];
  joins = 0;

  constructor(hooks: ThreadHooks) {
    this.hooks = hooks;
  }

  stop(mode: StopMode): void {
    this.stops.push(mode);
  }

  setWritten(sequence: number): void {
    this.written.push(sequence);
  }

  letJoin(): void {
    this.joins++;
  }
}

function fakePool(workers: number, over: Partial<PoolOptions> = {}) {
  const threads: FakeThread[] = [];
  const clock = new ManualClock();
  const { log, lines: logged } = keptLog();
  const handed: (() => void)[] = [];
  const pool = new Pool({
    workers,
    log,
    clock,
    onLines: (_lines, onWritten) => handed.push(onWritten),
    start(hooks) {
      const thread = new FakeThread(hooks);
      threads.push(thread);
      return thread;
    },
    ...over,
  });
  return { pool, threads, clock, logged, handed };
}

const settled = (promise: Promise<unknown>) => Promise.race([promise.then(() => true), Bun.sleep(1).then(() => false)]);

describe("Pool", () => {
  test("tells each worker which of its own buffers are written", () => {
    const { threads, handed } = fakePool(2);
    threads[0]!.hooks.onLines(linesOf([0, 0]), 1);
    threads[1]!.hooks.onLines(linesOf([1, 0]), 1);
    threads[0]!.hooks.onLines(linesOf([0, 1]), 2);
    for (const onWritten of handed) onWritten();
    expect(threads.map(({ written }) => written)).toEqual([[1, 2], [1]]);
  });

  test("lets the first workers join the group together, those that come later at once", () => {
    const { threads, clock } = fakePool(3);
    threads[0]!.hooks.onReady();
    threads[1]!.hooks.onEnd("boom");
    expect(threads.map(({ joins }) => joins)).toEqual([0, 0, 0]);
    threads[2]!.hooks.onReady();
    expect(threads.map(({ joins }) => joins)).toEqual([1, 0, 1]);
    clock.advance(200);
    threads[3]!.hooks.onReady();
    expect(threads[3]!.joins).toBe(1);
  });

  test("replaces dead workers after growing delays, and says so", () => {
    const { pool, threads, clock, logged } = fakePool(2);
    threads[0]!.hooks.onEnd("boom");
    expect(pool.running).toBe(1);
    expect(clock.nextDelayMs).toBe(200);
    clock.advance(199);
    expect(threads).toHaveLength(2);
    clock.advance(1);
    expect(threads).toHaveLength(3);
    expect(pool).toMatchObject({ running: 2, replaced: 1 });
    // An end that nobody asked for is a death, however quiet.
    threads[2]!.hooks.onEnd(undefined);
    expect(clock.nextDelayMs).toBe(400);
    clock.advance(400);
    expect(pool).toMatchObject({ running: 2, replaced: 2 });
    expect(logged.map(({ worker, problem, restart_delay_ms }) => [worker, problem, restart_delay_ms])).toEqual([
      [0, "boom", 200],
      [0, "it ended without being asked to", 400],
    ]);
  });

  test("gives up after too many deaths, with the last reason", async () => {
    const { pool, threads, clock } = fakePool(1);
    for (let i = 0; i < RESTART_LIMITS.deathsMax; i++) {
      threads.at(-1)!.hooks.onEnd("boom");
      clock.advance(clock.nextDelayMs!);
    }
    expect(await settled(pool.failed)).toBe(false);
    threads.at(-1)!.hooks.onEnd("the last straw");
    expect(await pool.failed).toContain("the last straw");
    expect(clock.nextDelayMs).toBeUndefined();
    pool.requestStop("finish");
    await pool.empty;
  });

  test("stops its workers and waits for the last; those that died meanwhile are not replaced", async () => {
    const { pool, threads, clock } = fakePool(3);
    threads[0]!.hooks.onEnd("boom");
    pool.requestStop("finish");
    expect(clock.nextDelayMs).toBeUndefined();
    threads[1]!.hooks.onEnd(undefined);
    expect(await settled(pool.empty)).toBe(false);
    pool.requestStop("abandon");
    threads[2]!.hooks.onEnd("late");
    await pool.empty;
    expect(threads.map(({ stops }) => stops)).toEqual([[], ["finish"], ["finish", "abandon"]]);
    expect(threads).toHaveLength(3);
  });
});

describe("a thread", () => {
  const settings = { brokers: "127.0.0.1:1", group: "g", topic: "t", from: "earliest" } as const;

  async function run(script: string) {
    using folder = new TestFolder();
    const path = folder.file("worker.ts");
    await Bun.write(path, script);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const handed: [Lines, number][] = [];
    startThread(
      settings,
      {
        onReady: () => {},
        onHandled: () => {},
        onLines: (lines, sequence) => handed.push([lines, sequence]),
        log: () => {},
        onEnd: resolve,
      },
      Bun.pathToFileURL(path),
    );
    return { problem: await promise, handed };
  }

  const POST =
    'import { parentPort, workerData } from "node:worker_threads"; const post = (m, t = []) => parentPort.postMessage(m, t);';

  test("that throws ends with its error, and what it said before has arrived", async () => {
    const { problem, handed } = await run(`${POST}
      const bytes = new TextEncoder().encode("line\\n");
      post({ type: "lines", sequence: 1, bytes, runs: [{ partition: 0 }] }, [bytes.buffer]);
      throw new TypeError("boom");`);
    expect(problem).toMatch(/boom.*ended without a word/s);
    expect(handed.map(([lines, sequence]) => [textOf(lines.bytes), sequence])).toEqual([["line\n", 1]]);
  });

  test("that rejects, exits or cannot be loaded ends with a reason", async () => {
    expect((await run("await Promise.reject(new Error('boom'))")).problem).toContain("boom");
    expect((await run("process.exit(3)")).problem).toContain("exit code 3");
    expect((await run("import './missing.ts'")).problem).toContain("ended without a word");
    expect((await run("")).problem).toContain("ended without a word");
  });

  test("that says how it ended is believed", async () => {
    expect((await run(`${POST} post({ type: "ended", problem: undefined });`)).problem).toBeUndefined();
    expect((await run(`${POST} post({ type: "ended", problem: "KafkaError: no" });`)).problem).toBe("KafkaError: no");
  });

  test("of the real kind without a Kafka ends when it is asked to, its client closed", async () => {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const logged: string[] = [];
    const thread = startThread(settings, {
      onLines: () => {},
      onReady: () => {},
      onHandled: () => {},
      log: (_level, message) => logged.push(message),
      onEnd: resolve,
    });
    await until("a word from librdkafka", () => logged.some((message) => message.includes("Connect")));
    thread.stop("finish");
    expect(await promise).toBeUndefined();
  }, 20_000);
});

test("the cells carry the stop and the progress to a waiting thread", async () => {
  const cells = new WorkerCells();
  const other = new WorkerCells(cells.shared);
  expect([other.isStopRequested, other.isAbandoned, other.written]).toEqual([false, false, 0]);
  cells.setWritten(-5);
  expect(other.written).toBe(-5);
  cells.requestStop("finish");
  expect([other.isStopRequested, other.isAbandoned]).toEqual([true, false]);
  cells.requestStop("abandon");
  expect([other.isStopRequested, other.isAbandoned]).toEqual([true, true]);
  const started = performance.now();
  other.waitForWriter(0, 5000);
  expect(performance.now() - started).toBeLessThan(2000);
});
