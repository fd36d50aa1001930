/** From librdkafka's word on a record (its status and error code) to the record's outcome. */
import { type Outcome, refused } from "../outcome.ts";
import { codeName } from "./error.ts";
import { CODES, errorText, STATUS } from "./native/index.ts";

const TOO_LARGE: ReadonlySet<number> = new Set([
  CODES.ERR_MSG_SIZE_TOO_LARGE,
  CODES.ERR_RECORD_LIST_TOO_LARGE,
  CODES.ERR_INVALID_MSG_SIZE,
]);
const REJECTED: ReadonlySet<number> = new Set([
  CODES.ERR_INVALID_TIMESTAMP,
  CODES.ERR_INVALID_RECORD,
  CODES.ERR_INVALID_MSG,
]);

export function isTooLarge(errorCode: number): boolean {
  return TOO_LARGE.has(errorCode);
}

function sentence(code: number): string {
  return `${codeName(code)}: ${errorText(code)}`;
}

export function outcomeOf(
  topic: string,
  errorCode: number,
  status: number,
  partition: number,
  offset: number,
): Outcome {
  if (status === STATUS.PERSISTED) return { status: "acked", topic, partition, offset: offset < 0 ? null : offset };
  if (status === STATUS.POSSIBLY_PERSISTED) {
    return {
      status: "unknown",
      code: "delivery_unknown",
      detail: `the record was sent, but no acknowledgement came; it may or may not be in the topic (${sentence(errorCode)})`,
    };
  }
  return notTaken(errorCode);
}

/** For a record that is certainly not in Kafka. */
export function notTaken(errorCode: number): Outcome {
  if (TOO_LARGE.has(errorCode))
    return refused("event_too_large", `Kafka takes no record of this size (${sentence(errorCode)})`);
  if (REJECTED.has(errorCode)) return refused("rejected_by_kafka", sentence(errorCode));
  if (errorCode === CODES.ERR__QUEUE_FULL) return refused("overloaded", "the producer's queue is full");
  return refused("not_delivered", `the record did not reach Kafka (${sentence(errorCode)})`);
}

/** For a record whose batch Kafka refused for its size, and which was not published again in a smaller one. It may fit. */
export function notSplit(): Outcome {
  return refused(
    "not_delivered",
    "Kafka refuses batches of this topic for their size, and there was no time to publish the record in a smaller one",
  );
}
