/** Loads a handler's file once, on a thread that ends with it, to see whether it is one. */
import { parentPort, workerData } from "node:worker_threads";
import { loadHandler } from "./handler.ts";

try {
  await loadHandler((workerData as { readonly file: string }).file);
  parentPort!.postMessage(undefined);
} catch (cause) {
  parentPort!.postMessage((cause as Error).message);
}
// Whatever the file has started.
process.exit(0);
