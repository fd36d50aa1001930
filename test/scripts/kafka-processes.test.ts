/** Processes that outlive the command that starts them, or must not: scripts/kafka/processes.ts. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  haltProcess,
  isRunning,
  killProcess,
  processStart,
  resumeProcess,
  spawnGuarded,
} from "../../scripts/kafka/processes.ts";

const root = join(import.meta.dir, "../..");
const scratch = mkdtempSync(join(tmpdir(), "sluice-processes-test-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("a guarded process", () => {
  /** Another Bun that starts a guarded `sleep`, says its pid, and waits to be killed. */
  const starter = (last: string) => `
    const { spawnGuarded } = await import(${JSON.stringify(join(root, "scripts/kafka/processes.ts"))});
    const guarded = spawnGuarded(["sleep", "300"], "/dev/null");
    // A child of its own that outlives it: it must not hold the guard's pipe open.
    const other = Bun.spawn(["sleep", "5"], { detached: true });
    ${last}
    console.log(guarded.pid);
    await Bun.sleep(60_000);`;

  async function killStarter(last: string) {
    const run = Bun.spawn([process.execPath, "-e", starter(last)], { stdout: "pipe", stdin: "ignore" });
    const { value } = await run.stdout.getReader().read();
    const pid = Number(new TextDecoder().decode(value));
    const started = processStart(pid) ?? "";
    expect(started).not.toBe("");
    run.kill("SIGKILL");
    await run.exited;
    return { pid, started };
  }

  test("dies with its starter, even when that is killed with SIGKILL", async () => {
    const guarded = await killStarter("");
    const startedMs = performance.now();
    while (isRunning(guarded) && performance.now() - startedMs < 5_000) await Bun.sleep(10);
    expect(isRunning(guarded)).toBe(false);
  });

  test("lives on once it was released", async () => {
    const guarded = await killStarter("guarded.release();");
    await Bun.sleep(200);
    expect(isRunning(guarded)).toBe(true);
    await killProcess(guarded);
    expect(isRunning(guarded)).toBe(false);
  });

  // The signal is one thread's to take, and the others run on until it has: with one thread there is nothing to see.
  test("does nothing more once it is halted, with all of its threads, until it is resumed", async () => {
    const output = join(scratch, "halted.log");
    const spin = `while (true) require("node:fs").appendFileSync(${JSON.stringify(output)}, "x");`;
    const threads = `for (let i = 0; i < 8; i++) new Worker(URL.createObjectURL(new Blob([${JSON.stringify(spin)}])));`;
    const guarded = spawnGuarded([process.execPath, "-e", threads], "/dev/null");
    const size = () => (existsSync(output) ? statSync(output).size : 0);
    const whenWriting = async () => {
      const deadline = performance.now() + 10_000;
      for (const before = size(); size() === before; await Bun.sleep(1)) {
        if (performance.now() > deadline) throw new Error("nothing was written for 10 s");
      }
    };
    try {
      for (let i = 0; i < 20; i++) {
        await whenWriting();
        await haltProcess(guarded);
        const before = size();
        const states = readdirSync(`/proc/${guarded.pid}/task`).map(
          (task) => /\) (.)/.exec(readFileSync(`/proc/${guarded.pid}/task/${task}/stat`, "latin1"))![1],
        );
        await Bun.sleep(20);
        expect(size()).toBe(before);
        expect(new Set(states)).toEqual(new Set(["T"]));
        resumeProcess(guarded);
      }
    } finally {
      await killProcess(guarded);
    }
    expect(haltProcess(guarded)).rejects.toThrow("is gone");
  }, 30_000);

  test("is not mistaken for another process that has its pid", async () => {
    const guarded = spawnGuarded(["sleep", "300"], join(scratch, "sleep.log"));
    const another = { pid: guarded.pid, started: `${guarded.started}0` };
    await killProcess(another);
    expect(isRunning(guarded)).toBe(true);
    await killProcess(guarded);
  });
});
