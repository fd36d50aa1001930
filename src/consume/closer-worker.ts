/** The Worker thread that finishes closed files, so that reading and compressing them keeps no line waiting. */
import { parentPort, workerData } from "node:worker_threads";
import type { CloserMessage } from "./closer.ts";
import { type ClosingOptions, finishClosing } from "./closing.ts";

function post(message: CloserMessage): void {
  parentPort!.postMessage(message);
}

try {
  post({ type: "done", ...(await finishClosing(workerData as ClosingOptions)) });
} catch (cause) {
  post({ type: "failed", error: cause instanceof Error ? cause.message : String(cause) });
}
