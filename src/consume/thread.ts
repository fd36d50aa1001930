/** A worker as the main thread sees it: started, listened to until its one end, stopped by its cells only. */
import { Worker } from "node:worker_threads";
import type { KafkaLog } from "../kafka/index.ts";
import type { HandlerCounts } from "./handler-runner.ts";
import {
  type Lines,
  type StopMode,
  WorkerCells,
  type WorkerMessage,
  type WorkerSettings,
  type WorkerStart,
} from "./worker-messages.ts";

export interface ThreadHooks {
  /** It waits for `letJoin`, though not for ever. */
  readonly onReady: () => void;
  readonly onLines: (lines: Lines, sequence: number) => void;
  readonly onHandled: (counts: Readonly<HandlerCounts>) => void;
  readonly log: KafkaLog;
  /** Called once, after everything else: the thread is gone. `problem` where it was not asked to end. */
  readonly onEnd: (problem: string | undefined) => void;
}

export interface Thread {
  stop(mode: StopMode): void;
  letJoin(): void;
  /** The writer is done with everything up to this buffer. */
  setWritten(sequence: number): void;
}

const WORKER = new URL("./worker.ts", import.meta.url);

/** `script` is another one in tests only. */
export function startThread(settings: WorkerSettings, hooks: ThreadHooks, script = WORKER): Thread {
  const cells = new WorkerCells();
  const start: WorkerStart = { settings, cells: cells.shared };
  const worker = new Worker(script, { workerData: start });
  let ended: { readonly problem: string | undefined } | undefined;
  let uncaught: string | undefined;
  worker.on("message", (message: WorkerMessage) => {
    if (message.type === "lines") hooks.onLines(message, message.sequence);
    else if (message.type === "ready") hooks.onReady();
    else if (message.type === "handled") hooks.onHandled(message);
    else if (message.type === "log") hooks.log(message.level, message.message, message.fields);
    else ended = message;
  });
  worker.on("error", (cause: unknown) => {
    uncaught ??= cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  });
  worker.on("exit", (code) => {
    if (ended) return hooks.onEnd(ended.problem);
    hooks.onEnd(`${uncaught ?? `exit code ${code}`} (the thread ended without a word)`);
  });
  return {
    stop: (mode) => cells.requestStop(mode),
    letJoin: () => cells.letJoin(),
    setWritten: (sequence) => cells.setWritten(sequence),
  };
}
