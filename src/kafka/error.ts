/** Kafka's errors, by librdkafka's codes and under the names that `@confluentinc/kafka-javascript` gives them. */
import { errorName, errorText } from "./native/index.ts";

/** The codes that the code here decides by; `test/kafka/error.test.ts` compares them with the Confluent package's. */
export const CODES = {
  ERR__TRANSPORT: -195,
  ERR__MSG_TIMED_OUT: -192,
  ERR__UNKNOWN_PARTITION: -190,
  ERR__UNKNOWN_TOPIC: -188,
  ERR__ALL_BROKERS_DOWN: -187,
  ERR__TIMED_OUT: -185,
  ERR__QUEUE_FULL: -184,
  ERR__ASSIGN_PARTITIONS: -175,
  ERR__REVOKE_PARTITIONS: -174,
  ERR__NO_OFFSET: -168,
  ERR__PURGE_QUEUE: -152,
  ERR__PURGE_INFLIGHT: -151,
  ERR__FATAL: -150,
  ERR__PARTITION_EOF: -191,
  ERR__MAX_POLL_EXCEEDED: -147,
  ERR_NO_ERROR: 0,
  ERR_INVALID_MSG: 2,
  ERR_UNKNOWN_TOPIC_OR_PART: 3,
  ERR_INVALID_MSG_SIZE: 4,
  ERR_MSG_SIZE_TOO_LARGE: 10,
  ERR_NOT_COORDINATOR: 16,
  ERR_TOPIC_EXCEPTION: 17,
  ERR_RECORD_LIST_TOO_LARGE: 18,
  ERR_INVALID_TIMESTAMP: 32,
  ERR_TOPIC_ALREADY_EXISTS: 36,
  ERR_INVALID_RECORD: 87,
} as const;

/** `code` is librdkafka's number, `codeName` the Confluent package's name for it: `ERR__TRANSPORT`. */
export class KafkaError extends Error {
  override readonly name = "KafkaError";
  readonly code: number;
  readonly codeName: string;

  constructor(code: number, detail = "") {
    super(`${codeName(code)}: ${detail || errorText(code)}`);
    this.code = code;
    this.codeName = codeName(code);
  }
}

/** "ERR__TRANSPORT" for -195. */
export function codeName(code: number): string {
  return code === 0 ? "ERR_NO_ERROR" : `ERR_${errorName(code)}`;
}
