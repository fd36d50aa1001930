/** Who is started, asked to end and replaced, with processes and time by hand. */
import { expect, test } from "bun:test";
import type { Place, ToProcess } from "../../src/processes/messages.ts";
import type { ProcessHooks } from "../../src/processes/process.ts";
import { Supervisor } from "../../src/processes/supervisor.ts";
import { RESTART_LIMITS } from "../../src/restarts.ts";
import { keptLog } from "../consume/support.ts";
import { ManualClock } from "../support/clock.ts";

const PORT = 4321;

class FakeProcess {
  readonly place: Place;
  readonly hooks: ProcessHooks;
  readonly pid: number;
  readonly signals: string[] = [];
  readonly told: ToProcess[] = [];

  constructor(place: Place, hooks: ProcessHooks, pid: number) {
    this.place = place;
    this.hooks = hooks;
    this.pid = pid;
  }

  kill(signal: string): void {
    this.signals.push(signal);
  }

  send(message: ToProcess): void {
    this.told.push(message);
  }

  listen(): void {
    this.hooks.onMessage({ type: "listening", url: `http://x:${PORT}`, port: PORT });
  }
}

function supervised(processes: number) {
  const started: FakeProcess[] = [];
  const ready: (readonly number[])[] = [];
  const clock = new ManualClock();
  const { log, lines } = keptLog();
  const { promise: whenRequested, resolve: requestStop } = Promise.withResolvers<NodeJS.Signals>();
  const supervisor = new Supervisor({
    processes,
    start(place, hooks) {
      const process = new FakeProcess(place, hooks, 100 + started.length);
      started.push(process);
      return process;
    },
    stop: { whenRequested },
    onReady: (_, pids) => ready.push(pids),
    log,
    clock,
  });
  const listenAll = () => {
    // The first one's word starts the others.
    started[0]!.listen();
    for (const process of started.slice(1)) process.listen();
  };
  const stop = async (signal: NodeJS.Signals) => {
    requestStop(signal);
    await whenRequested;
  };
  return { supervisor, started, ready, clock, lines, listenAll, stop };
}

test("the first opens the port, the others come to it, and then it is said once", () => {
  const { started, ready, listenAll } = supervised(3);
  expect(started.map(({ place }) => place)).toEqual([{ index: 0, of: 3, port: undefined }]);
  listenAll();
  expect(started.slice(1).map(({ place }) => place)).toEqual([
    { index: 1, of: 3, port: PORT },
    { index: 2, of: 3, port: PORT },
  ]);
  expect(ready).toEqual([[100, 101, 102]]);
});

test("the first one's failure at the start is the exit code, and nobody else was started", async () => {
  const { supervisor, started } = supervised(2);
  started[0]!.hooks.onEnd(2, null);
  expect(await supervisor.ended).toBe(2);
  expect(started).toHaveLength(1);
});

test("a failure of another at the start ends all", async () => {
  const { supervisor, started } = supervised(2);
  started[0]!.listen();
  started[1]!.hooks.onEnd(null, "SIGKILL");
  expect(started[0]!.signals).toEqual(["SIGTERM"]);
  started[0]!.hooks.onEnd(0, null);
  expect(await supervisor.ended).toBe(1);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s is handed on once to each; all well is 0", async (signal) => {
  const { supervisor, started, listenAll, stop } = supervised(2);
  listenAll();
  await stop(signal);
  expect(started.map(({ signals }) => signals)).toEqual([[signal], [signal]]);
  for (const { hooks } of started) hooks.onEnd(0, null);
  expect(await supervisor.ended).toBe(0);
});

test("where one does not end well, the whole does not", async () => {
  const { supervisor, started, listenAll, stop } = supervised(2);
  listenAll();
  await stop("SIGTERM");
  started[0]!.hooks.onEnd(null, "SIGKILL");
  started[1]!.hooks.onEnd(0, null);
  expect(await supervisor.ended).toBe(1);
});

test("asked to end while it starts, one may be ended by the signal itself", async () => {
  const { supervisor, started, stop } = supervised(2);
  await stop("SIGTERM");
  started[0]!.hooks.onEnd(null, "SIGTERM");
  expect(await supervisor.ended).toBe(0);
});

test("one that dies is replaced on the same port, after a growing delay", () => {
  const { started, clock, listenAll, lines } = supervised(2);
  listenAll();
  started[1]!.hooks.onEnd(null, "SIGSEGV");
  expect(clock.nextDelayMs).toBe(RESTART_LIMITS.firstDelayMs);
  clock.advance(RESTART_LIMITS.firstDelayMs);
  expect(started[2]!.place).toEqual({ index: 1, of: 2, port: PORT });
  started[2]!.hooks.onEnd(1, null);
  expect(clock.nextDelayMs).toBe(2 * RESTART_LIMITS.firstDelayMs);
  clock.advance(2 * RESTART_LIMITS.firstDelayMs);
  started[3]!.listen();
  expect(lines.at(-1)).toMatchObject({ msg: "a process was replaced", process: 1 });
});

test("too many deaths end all, with 1", async () => {
  const { supervisor, started, clock, listenAll } = supervised(2);
  listenAll();
  for (let deaths = 0; deaths <= RESTART_LIMITS.deathsMax; deaths++) {
    started.at(-1)!.hooks.onEnd(1, null);
    clock.advance(RESTART_LIMITS.longestDelayMs);
  }
  expect(started[0]!.signals).toEqual(["SIGTERM"]);
  started[0]!.hooks.onEnd(0, null);
  expect(await supervisor.ended).toBe(1);
  expect(clock.nextDelayMs).toBeUndefined();
});

test("a stop calls off replacements that wait", async () => {
  const { supervisor, started, clock, listenAll, stop } = supervised(2);
  listenAll();
  for (const { hooks } of started) hooks.onEnd(null, "SIGKILL");
  await stop("SIGTERM");
  expect(await supervisor.ended).toBe(0);
  clock.advance(RESTART_LIMITS.longestDelayMs);
  expect(started).toHaveLength(2);
});

test("SIGHUP reaches those that hear it, and the others as soon as they do", () => {
  const { supervisor, started, clock, listenAll } = supervised(2);
  listenAll();
  started[1]!.hooks.onEnd(null, "SIGKILL");
  clock.advance(RESTART_LIMITS.firstDelayMs);
  supervisor.reload();
  expect(started.map(({ signals }) => signals)).toEqual([["SIGHUP"], [], []]);
  started[2]!.listen();
  expect(started[2]!.signals).toEqual(["SIGHUP"]);
});

test("figures are gathered from all; who does not answer, or dies, is left out", async () => {
  const { started, clock, listenAll } = supervised(3);
  listenAll();
  const ask = (id: number) => started[0]!.hooks.onMessage({ type: "ask_all_figures", id });
  const answer = (process: FakeProcess) => {
    const asked = process.told.findLast((message) => message.type === "ask_figures")!;
    process.hooks.onMessage({ type: "figures", id: asked.id, figures: [{ of: process.place.index }] });
  };
  const answered = async () => {
    await Bun.sleep(0);
    return started[0]!.told.findLast((message) => message.type === "all_figures");
  };
  ask(7);
  for (const process of started) answer(process);
  const all = [[{ of: 0 }], [{ of: 1 }], [{ of: 2 }]];
  expect(await answered()).toEqual({ type: "all_figures", id: 7, figures: all, running: 3, replaced: 0 });
  ask(8);
  answer(started[0]!);
  started[1]!.hooks.onEnd(null, "SIGKILL");
  expect(await answered()).toMatchObject({ id: 7 });
  clock.advance(1000);
  expect(await answered()).toMatchObject({ id: 8, figures: [[{ of: 0 }]], running: 3, replaced: 1 });
});
