/** Whether a file is a handler, found out before anything connects, and away from this thread. */
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";

const WORKER = new URL("./handler-check-worker.ts", import.meta.url);
const TIMEOUT_MS = 30_000;

/** Resolves to what is wrong with it, as the end of a sentence; or to nothing. `file` is absolute. */
export async function handlerProblem(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return "there is no such file";
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const worker = new Worker(WORKER, { workerData: { file } });
  const timer = setTimeout(() => resolve(`it is not loaded after ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
  worker.on("message", resolve);
  worker.on("error", (cause: unknown) =>
    resolve(`it cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`),
  );
  worker.on("exit", () => resolve("it ended its thread while it was loaded"));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
