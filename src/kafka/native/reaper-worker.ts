/** The Worker behind reaper.ts: gets a client's handle, destroys it, says so. */
import type { Pointer } from "bun:ffi";
import { rd } from "./library.ts";
import { DESTROY_NO_CONSUMER_CLOSE } from "./structs.ts";

declare const self: Worker;

self.onmessage = (message: MessageEvent<number>) => {
  rd().rd_kafka_destroy_flags(message.data as Pointer, DESTROY_NO_CONSUMER_CLOSE);
  self.postMessage(message.data);
};
