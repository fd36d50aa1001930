/**
 * Every error code that a broker may answer a produce request with, and what librdkafka 2.15.1 takes it for (rd_kafka_err_action and
 * rd_kafka_handle_Produce_error in its rdkafka_request.c). `test/scripts/chaos-oracle.test.ts` holds the names against rdkafka.h.
 */

export interface ErrorCode {
  readonly code: number;
  readonly name: string;
  /** `stateful`: what an idempotent producer makes of it depends on what it has in flight; it may be fatal. */
  readonly kind: "retriable" | "permanent" | "stateful";
  /** Is tried in the short form, too. */
  readonly inShort?: true;
  /**
   * The broker has the records, or may have them: librdkafka takes the acknowledgement of a later batch for theirs, too, since a broker would
   * have refused that batch's sequence number otherwise (rd_kafka_dr_implicit_ack). The mock cluster has them not and refuses no sequence
   * number; what is "lost" then was lost by the injection.
   */
  readonly claimsToHaveThem?: true;
}

export const ERROR_CODES: readonly ErrorCode[] = [
  { code: 2, name: "INVALID_MSG", kind: "retriable" },
  { code: 3, name: "UNKNOWN_TOPIC_OR_PART", kind: "retriable" },
  { code: 5, name: "LEADER_NOT_AVAILABLE", kind: "retriable" },
  { code: 6, name: "NOT_LEADER_FOR_PARTITION", kind: "retriable", inShort: true },
  { code: 7, name: "REQUEST_TIMED_OUT", kind: "retriable", inShort: true, claimsToHaveThem: true },
  { code: 8, name: "BROKER_NOT_AVAILABLE", kind: "retriable" },
  { code: 9, name: "REPLICA_NOT_AVAILABLE", kind: "retriable" },
  { code: 14, name: "COORDINATOR_LOAD_IN_PROGRESS", kind: "retriable" },
  { code: 15, name: "COORDINATOR_NOT_AVAILABLE", kind: "retriable" },
  { code: 16, name: "NOT_COORDINATOR", kind: "retriable" },
  { code: 19, name: "NOT_ENOUGH_REPLICAS", kind: "retriable" },
  { code: 20, name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", kind: "retriable", claimsToHaveThem: true },
  { code: 56, name: "KAFKA_STORAGE_ERROR", kind: "retriable" },
  { code: -1, name: "UNKNOWN", kind: "permanent" },
  { code: 4, name: "INVALID_MSG_SIZE", kind: "permanent" },
  { code: 10, name: "MSG_SIZE_TOO_LARGE", kind: "permanent", inShort: true },
  { code: 13, name: "NETWORK_EXCEPTION", kind: "permanent" },
  { code: 17, name: "TOPIC_EXCEPTION", kind: "permanent" },
  { code: 18, name: "RECORD_LIST_TOO_LARGE", kind: "permanent" },
  { code: 21, name: "INVALID_REQUIRED_ACKS", kind: "permanent" },
  { code: 29, name: "TOPIC_AUTHORIZATION_FAILED", kind: "permanent" },
  { code: 31, name: "CLUSTER_AUTHORIZATION_FAILED", kind: "permanent" },
  { code: 32, name: "INVALID_TIMESTAMP", kind: "permanent" },
  { code: 35, name: "UNSUPPORTED_VERSION", kind: "permanent" },
  { code: 42, name: "INVALID_REQUEST", kind: "permanent" },
  { code: 43, name: "UNSUPPORTED_FOR_MESSAGE_FORMAT", kind: "permanent" },
  { code: 44, name: "POLICY_VIOLATION", kind: "permanent" },
  { code: 74, name: "FENCED_LEADER_EPOCH", kind: "permanent" },
  { code: 75, name: "UNKNOWN_LEADER_EPOCH", kind: "permanent" },
  { code: 76, name: "UNSUPPORTED_COMPRESSION_TYPE", kind: "permanent" },
  { code: 87, name: "INVALID_RECORD", kind: "permanent" },
  { code: 89, name: "THROTTLING_QUOTA_EXCEEDED", kind: "permanent" },
  { code: 45, name: "OUT_OF_ORDER_SEQUENCE_NUMBER", kind: "stateful", inShort: true },
  { code: 46, name: "DUPLICATE_SEQUENCE_NUMBER", kind: "stateful", claimsToHaveThem: true },
  { code: 47, name: "INVALID_PRODUCER_EPOCH", kind: "stateful", inShort: true },
  { code: 59, name: "UNKNOWN_PRODUCER_ID", kind: "stateful" },
];
