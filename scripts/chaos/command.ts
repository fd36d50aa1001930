/**
 * serve and consume as real processes, for chaos: their log goes to a file that stays when a round fails, and they cannot outlive this
 * process, however it ends (scripts/kafka/processes.ts).
 */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { type GuardedProcess, haltProcess, killProcess, resumeProcess, spawnGuarded } from "../kafka/processes.ts";

const root = join(import.meta.dir, "../..");
const POLL_MS = 20;

/** Only what programs need to run: variables of the person who runs chaos must not change what is tried. */
const ENVIRONMENT = Object.fromEntries(
  ["PATH", "HOME", "TMPDIR", "LANG", "LIBRDKAFKA_PATH", "SLUICE_CACHE", "XDG_CACHE_HOME"].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  ),
);

export class Command {
  readonly name: string;
  readonly #logFile: string;
  readonly #from: number;
  readonly #process: GuardedProcess;
  #code: number | undefined;

  constructor(name: "serve" | "consume", args: readonly string[], logFile: string) {
    this.name = name;
    this.#logFile = logFile;
    this.#from = existsSync(logFile) ? statSync(logFile).size : 0;
    this.#process = spawnGuarded([process.execPath, join(root, `src/${name}.ts`), ...args], logFile, ENVIRONMENT);
    void this.#process.exited.then((code) => {
      this.#code = code;
    });
  }

  get isRunning(): boolean {
    return this.#code === undefined;
  }

  /** What it has logged so far. */
  log(): string {
    const length = statSync(this.#logFile).size - this.#from;
    const bytes = Buffer.alloc(Math.max(0, length));
    const fd = openSync(this.#logFile, "r");
    readSync(fd, bytes, 0, bytes.length, this.#from);
    closeSync(fd);
    return bytes.toString();
  }

  /** Resolves when a line of its log fits; rejects where it ends, or the time passes, before that. */
  async logged(pattern: RegExp, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!pattern.test(this.log())) {
      if (!this.isRunning) throw new Error(`${this.name} ended with ${this.#code} before it logged ${pattern}`);
      if (performance.now() > deadline) throw new Error(`${this.name} did not log ${pattern} in ${timeoutMs} ms`);
      await Bun.sleep(POLL_MS);
    }
  }

  signal(name: NodeJS.Signals): void {
    if (this.isRunning) process.kill(this.#process.pid, name);
  }

  /** What is done meanwhile finds it standing still. */
  async whileHalted(change: () => void): Promise<void> {
    await haltProcess(this.#process);
    try {
      change();
    } finally {
      resumeProcess(this.#process);
    }
  }

  /** `kill -9`; returns when it is gone. */
  async kill(): Promise<void> {
    await killProcess(this.#process);
    await this.#process.exited;
  }

  /** SIGTERM, and its exit code. */
  async stop(timeoutMs = 40_000): Promise<number> {
    this.signal("SIGTERM");
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const timer = setTimeout(() => resolve("late"), timeoutMs);
    const code = await Promise.race([this.#process.exited, late]);
    clearTimeout(timer);
    if (code !== "late") return code;
    await this.kill();
    throw new Error(`${this.name} did not end within ${timeoutMs} ms of SIGTERM`);
  }
}
