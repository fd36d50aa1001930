/**
 * Destroys clients on a Worker thread of its own. `rd_kafka_destroy` joins librdkafka's threads, which takes anything from
 * milliseconds to seconds; the thread that serves requests must not wait for it.
 */
import type { Pointer } from "bun:ffi";
import { functionAddress, rd } from "./library.ts";
import { DESTROY_NO_CONSUMER_CLOSE } from "./structs.ts";

/** What the Worker is asked. It calls the function by its address, so it can be of no other library than the client is. */
export interface DestroyRequest {
  /** Not the handle: its address may be another client's by the time the answer is read. */
  readonly id: number;
  readonly destroy: Pointer;
  readonly rk: Pointer;
}

/** What the Worker says, twice for each request. */
export interface DestroyProgress {
  readonly id: number;
  readonly step: "begun" | "done";
}

interface Waiting extends PromiseWithResolvers<void> {
  readonly rk: Pointer;
  hasBegun: boolean;
}

let worker: Worker | undefined;
const waiting = new Map<number, Waiting>();
let lastId = 0;

/** Resolves when librdkafka has given everything of this client back. The handle must not be used any more. */
export function destroyElsewhere(rk: Pointer): Promise<void> {
  worker ??= startWorker();
  worker.ref();
  const request: Waiting = { ...Promise.withResolvers<void>(), rk, hasBegun: false };
  const id = ++lastId;
  waiting.set(id, request);
  worker.postMessage({ id, destroy: functionAddress("rd_kafka_destroy_flags"), rk } satisfies DestroyRequest);
  return request.promise;
}

function startWorker(): Worker {
  const started = new Worker(new URL("./reaper-worker.ts", import.meta.url));
  started.onmessage = ({ data: { id, step } }: MessageEvent<DestroyProgress>) => {
    const request = waiting.get(id);
    if (!request) return;
    if (step === "begun") {
      request.hasBegun = true;
      return;
    }
    waiting.delete(id);
    if (waiting.size === 0) started.unref();
    request.resolve();
  };
  started.onerror = (event) => onDeath(started, event.message);
  started.addEventListener("close", () => onDeath(started, "it ended"));
  return started;
}

/** The Worker could not be started (no file descriptor left, say), or failed: this thread takes over what it can. */
function onDeath(dead: Worker, reason: string): void {
  if (worker !== dead) return;
  worker = undefined;
  const requests = [...waiting.values()];
  waiting.clear();
  for (const { rk, hasBegun, resolve, reject } of requests) {
    if (hasBegun) {
      // How far it came is not known, so it is left alone.
      reject(new Error(`the thread that destroys Kafka clients failed: ${reason}`));
    } else {
      rd().rd_kafka_destroy_flags(rk, DESTROY_NO_CONSUMER_CLOSE);
      resolve();
    }
  }
}
