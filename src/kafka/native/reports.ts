/** Reads delivery reports out of librdkafka's event, without an object per report. */
import { type Pointer, read } from "bun:ffi";
import { rd } from "./library.ts";
import { at, OwnedBuffer, readI64 } from "./memory.ts";
import { message, STATUS } from "./structs.ts";

const CHUNK = 512;

/** Offset -1001 (RD_KAFKA_OFFSET_INVALID): acknowledged without an offset. */
export type OnReport = (slot: number, errorCode: number, status: number, partition: number, offset: number) => void;

export class ReportReader {
  readonly #messages = new OwnedBuffer(CHUNK * 8);

  /** Calls `onReport` once per report, in the event's order. The event stays the caller's. */
  read(event: Pointer, onReport: OnReport): void {
    for (;;) {
      const count = rd().rd_kafka_event_message_array(event, at(this.#messages, 0), CHUNK);
      if (count === 0) return;
      for (let i = 0; i < count; i++) {
        const m = this.#messages.pointerAt(i * 8)!;
        const errorCode = read.i32(m, message.err);
        const status = errorCode === 0 ? STATUS.PERSISTED : rd().rd_kafka_message_status(m);
        onReport(
          read.u32(m, message.opaque),
          errorCode,
          status,
          read.i32(m, message.partition),
          readI64(m, message.offset),
        );
      }
    }
  }
}
