/**
 * Finishes closed files in a Worker thread, one run at a time; a file that is closed during a run is for the next. What fails stays as
 * it is and is tried again a minute later, with the next file, or at the next start.
 */
import { Worker } from "node:worker_threads";
import { type Clock, systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { ClosingOptions } from "./closing.ts";
import { unfinished } from "./manifest.ts";

export type CloserMessage =
  | { readonly type: "done"; readonly finished: readonly string[]; readonly deleted: readonly string[] }
  | { readonly type: "failed"; readonly error: string };

const RETRY_MS = 60_000;
const WORKER = new URL("./closer-worker.ts", import.meta.url);

export class Closer {
  readonly #options: ClosingOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  #cancelRetry: (() => void) | undefined;
  #run: Promise<void> | undefined;
  #isWanted = false;

  constructor(options: ClosingOptions, log: Log, clock = systemClock) {
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
    if (unfinished(options.logFile).length > 0) this.start();
  }

  /** There is a closed file. */
  start(): void {
    this.#isWanted = true;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#run ??= this.#work();
  }

  async #work(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#runOnce();
    }
    this.#run = undefined;
  }

  #runOnce(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const worker = new Worker(WORKER, { workerData: this.#options });
    let isTold = false;
    const fail = (error: string) => {
      isTold = true;
      this.#log.error({ error }, "a closed log file could not be finished; it is tried again");
      this.#cancelRetry ??= this.#clock.after(RETRY_MS, () => this.start());
    };
    worker.on("message", (message: CloserMessage) => {
      if (message.type === "failed") return fail(message.error);
      isTold = true;
      this.#log.info({ finished: message.finished, deleted: message.deleted }, "closed log files were finished");
    });
    worker.on("error", (cause: unknown) => fail(String(cause)));
    worker.on("exit", (code) => {
      if (!isTold) fail(`its thread ended with ${code}`);
      resolve();
    });
    return promise;
  }

  /** Resolves when nothing is under way. What is not finished then is at the next start. */
  async whenIdle(): Promise<void> {
    while (this.#run) await this.#run;
  }
}
