/** librdkafka's error codes, under the names that `@confluentinc/kafka-javascript` gives them. */

/** The codes that the code here decides by; `test/kafka/error.test.ts` compares them with the Confluent package's. */
export const CODES = {
  ERR__INVALID_DIFFERENT_RECORD: -138,
  ERR__FAIL: -196,
  ERR__TRANSPORT: -195,
  ERR__UNKNOWN_TOPIC: -188,
  ERR__ALL_BROKERS_DOWN: -187,
  ERR__TIMED_OUT: -185,
  ERR__QUEUE_FULL: -184,
  ERR__ASSIGN_PARTITIONS: -175,
  ERR__NO_OFFSET: -168,
  ERR__PURGE_INFLIGHT: -151,
  ERR__PARTITION_EOF: -191,
  ERR_NO_ERROR: 0,
  ERR_INVALID_MSG: 2,
  ERR_UNKNOWN_TOPIC_OR_PART: 3,
  ERR_INVALID_MSG_SIZE: 4,
  ERR_MSG_SIZE_TOO_LARGE: 10,
  ERR_NOT_COORDINATOR: 16,
  ERR_RECORD_LIST_TOO_LARGE: 18,
  ERR_INVALID_TIMESTAMP: 32,
  ERR_TOPIC_ALREADY_EXISTS: 36,
  ERR_INVALID_RECORD: 87,
} as const;
