/**
 * Destroys clients on a Worker thread of its own. `rd_kafka_destroy` joins librdkafka's threads, which takes anything from
 * milliseconds to seconds; the thread that serves requests must not wait for it.
 */
import type { Pointer } from "bun:ffi";

let worker: Worker | undefined;
const waiting = new Map<number, () => void>();

/** Resolves when librdkafka has given everything of this client back. The handle must not be used any more. */
export function destroyElsewhere(rk: Pointer): Promise<void> {
  worker ??= startWorker();
  worker.ref();
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.set(rk as number, resolve);
  worker.postMessage(rk);
  return promise;
}

function startWorker(): Worker {
  const started = new Worker(new URL("./reaper-worker.ts", import.meta.url));
  started.onmessage = (message: MessageEvent<number>) => {
    waiting.get(message.data)?.();
    waiting.delete(message.data);
    if (waiting.size === 0) started.unref();
  };
  started.onerror = (event) => {
    throw new Error(`the thread that destroys Kafka clients failed: ${event.message}`);
  };
  return started;
}
