/**
 * Destroys clients on a Worker thread of its own. `rd_kafka_destroy` joins librdkafka's threads, which takes anything from
 * milliseconds to seconds; the thread that serves requests must not wait for it.
 */
import type { Pointer } from "bun:ffi";
import { destroyFunction } from "./library.ts";

/** What the Worker is asked. It calls the function by its address, so it can be of no other library than the client is. */
export interface DestroyRequest {
  /** Not the handle: its address may be another client's by the time the answer is read. */
  readonly id: number;
  readonly destroy: Pointer;
  readonly rk: Pointer;
}

let worker: Worker | undefined;
const waiting = new Map<number, PromiseWithResolvers<void>>();
let lastId = 0;

/** Resolves when librdkafka has given everything of this client back. The handle must not be used any more. */
export function destroyElsewhere(rk: Pointer): Promise<void> {
  worker ??= startWorker();
  worker.ref();
  const done = Promise.withResolvers<void>();
  const id = ++lastId;
  waiting.set(id, done);
  worker.postMessage({ id, destroy: destroyFunction(), rk } satisfies DestroyRequest);
  return done.promise;
}

function startWorker(): Worker {
  const started = new Worker(new URL("./reaper-worker.ts", import.meta.url));
  started.onmessage = (message: MessageEvent<number>) => {
    waiting.get(message.data)?.resolve();
    waiting.delete(message.data);
    if (waiting.size === 0) started.unref();
  };
  const onDeath = (reason: string) => {
    if (worker !== started) return;
    worker = undefined;
    // Whether they were destroyed is not known, so they are not destroyed again.
    for (const { reject } of waiting.values())
      reject(new Error(`the thread that destroys Kafka clients failed: ${reason}`));
    waiting.clear();
  };
  started.onerror = (event) => onDeath(event.message);
  started.addEventListener("close", () => onDeath("it ended"));
  return started;
}
