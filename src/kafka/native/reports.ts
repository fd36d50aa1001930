/** Reads delivery reports out of librdkafka's event, without an object per report. */
import { type Pointer, read } from "bun:ffi";
import { CODES } from "./codes.ts";
import { laterLibrary, rd } from "./library.ts";
import { at, OwnedBuffer, readI64, textAt } from "./memory.ts";
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
        const errorCode = ownError(m, read.i32(m, message.err));
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

/**
 * Where exactly one record of a batch is bad, librdkafka 2.15.1 gives the batch's error to all of them
 * (rd_kafka_interceptors_on_acknowledgement_queue, its `force_err`), and to the others only a text that says so. That text is a
 * constant of the library; the bad one's own is freed by the time its report is here, and must not be read. They are told apart
 * by where they lie.
 */
const BATCH_ERRORS: ReadonlySet<number> = new Set([CODES.ERR_INVALID_TIMESTAMP, CODES.ERR_INVALID_RECORD]);
const INNOCENT_TEXT = /^Failed to append record because it was part of a batch/;
/** The library's constants span less; what the heap holds is far from them. */
const CONSTANTS_SPAN_BYTES = 1024 * 1024;
let innocentText: number | undefined;

function ownError(m: Pointer, errorCode: number): number {
  return BATCH_ERRORS.has(errorCode) && isInnocent(m) ? CODES.ERR__INVALID_DIFFERENT_RECORD : errorCode;
}

function isInnocent(m: Pointer): boolean {
  const text = laterLibrary()?.rd_kafka_message_produce_errstr(m) ?? null;
  if (text === null) return false;
  if (innocentText === undefined) {
    const someConstant = rd().rd_kafka_err2name(CODES.ERR__INVALID_DIFFERENT_RECORD) as number;
    if (Math.abs((text as number) - someConstant) > CONSTANTS_SPAN_BYTES) return false;
    if (INNOCENT_TEXT.test(textAt(text))) innocentText = text as number;
  }
  return (text as number) === innocentText;
}
