/** The Worker behind reaper.ts: gets a client's handle, destroys it, says so. Does not look for librdkafka itself. */
import { CFunction } from "bun:ffi";
import type { DestroyProgress, DestroyRequest } from "./reaper.ts";
import { DESTROY_NO_CONSUMER_CLOSE } from "./structs.ts";
import { librdkafkaSymbols } from "./symbols.ts";

declare const self: Worker;

let call: ((rk: DestroyRequest["rk"], flags: number) => void) | undefined;

self.onmessage = ({ data: { id, destroy, rk } }: MessageEvent<DestroyRequest>) => {
  call ??= CFunction({ ...librdkafkaSymbols.rd_kafka_destroy_flags, ptr: destroy }) as unknown as typeof call;
  self.postMessage({ id, step: "begun" } satisfies DestroyProgress);
  call!(rk, DESTROY_NO_CONSUMER_CLOSE);
  self.postMessage({ id, step: "done" } satisfies DestroyProgress);
};
