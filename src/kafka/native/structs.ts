/**
 * Layouts of the C structs that Sluice reads or writes itself, on 64-bit systems, as in rdkafka.h. Byte offsets and sizes.
 * `test/kafka/structs.test.ts` compares them with what the C compiler says.
 */

/** rd_kafka_message_t */
export const message = {
  size: 72,
  err: 0, // rd_kafka_resp_err_t
  partition: 16, // int32_t
  payload: 24, // void *
  len: 32, // size_t
  key: 40, // void *
  keyLen: 48, // size_t
  offset: 56, // int64_t
  opaque: 64, // void *_private
} as const;

/** `struct turns` of produce.c. */
export const turns = { size: 40, isAvailable: 0, byKey: 8, turn: 16 } as const;

/** rd_kafka_vu_t: what is in it only produce.c knows. */
export const vu = { size: 72 } as const;

/** `struct text` and `struct printed`, our own, in consume.c */
export const text = { size: 16, bytes: 0, length: 8 } as const;
export const printed = {
  size: 24,
  end: 0, // u32
  value: 4, // u32
  valueEnd: 8, // u32
  partition: 12, // i32
  offset: 16, // i64
} as const;

/** rd_kafka_topic_partition_t */
export const topicPartition = {
  size: 64,
  topic: 0, // char *
  partition: 8, // int32_t
  offset: 16, // int64_t
  err: 48, // rd_kafka_resp_err_t
} as const;

/** rd_kafka_topic_partition_list_t */
export const topicPartitionList = { cnt: 0, elems: 8 } as const;

/** rd_kafka_type_t */
export const CLIENT_TYPE = { producer: 0, consumer: 1 } as const;

/** rd_kafka_conf_res_t */
export const CONF_OK = 0;
export const CONF_UNKNOWN = -2;

/** rd_kafka_event_type_t, as bits for `rd_kafka_conf_set_events` where they are below 0x100. */
export const EVENT = {
  DR: 0x1,
  FETCH: 0x2,
  LOG: 0x4,
  ERROR: 0x8,
  REBALANCE: 0x10,
  OFFSET_COMMIT: 0x20,
} as const;

/** rd_kafka_msg_status_t */
export const STATUS = { NOT_PERSISTED: 0, POSSIBLY_PERSISTED: 1, PERSISTED: 2 } as const;

/** RD_KAFKA_PURGE_F_* */
export const PURGE = { QUEUE: 0x1, INFLIGHT: 0x2, NON_BLOCKING: 0x4 } as const;

/** RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE */
export const DESTROY_NO_CONSUMER_CLOSE = 0x8;

/** rd_kafka_admin_op_t: "any" fits every request. */
export const ADMIN_OP_ANY = 0;

/** rd_kafka_ResourceType_t */
export const RESOURCE_TOPIC = 2;

/** rd_kafka_OffsetSpec_t */
export const OFFSET_SPEC = { EARLIEST: -2, LATEST: -1 } as const;
