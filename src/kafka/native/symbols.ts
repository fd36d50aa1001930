/**
 * The C functions that Sluice calls, and nothing else: names and types as in rdkafka.h, rdkafka_mock.h and the C library.
 * Parameter names stand in the comments. `usize`/`u64`/`i64` parameters take JS numbers.
 */
import { FFIType } from "bun:ffi";

/** rdkafka.h (every function here is in 2.3.0 or older). */
export const librdkafkaSymbols = {
  rd_kafka_version: { args: [], returns: "i32" },
  rd_kafka_version_str: { args: [], returns: "ptr" },
  rd_kafka_err2str: { args: ["i32" /* err */], returns: "ptr" },
  rd_kafka_err2name: { args: ["i32" /* err */], returns: "ptr" },

  // Errors
  rd_kafka_error_code: { args: ["ptr" /* error */], returns: "i32" },
  rd_kafka_error_string: { args: ["ptr" /* error */], returns: "ptr" },
  rd_kafka_error_destroy: { args: ["ptr" /* error */], returns: "void" },

  // Configuration
  rd_kafka_conf_new: { args: [], returns: "ptr" },
  rd_kafka_conf_destroy: { args: ["ptr" /* conf */], returns: "void" },
  rd_kafka_conf_set: {
    args: [
      "ptr" /* conf */,
      "buffer" /* name */,
      "buffer" /* value */,
      "buffer" /* errstr */,
      "usize" /* errstr_size */,
    ],
    returns: "i32",
  },
  rd_kafka_conf_get: {
    args: ["ptr" /* conf */, "buffer" /* name */, "buffer" /* dest */, "buffer" /* dest_size */],
    returns: "i32",
  },
  rd_kafka_conf_set_events: { args: ["ptr" /* conf */, "i32" /* events */], returns: "void" },

  // Client
  rd_kafka_new: {
    args: ["i32" /* type */, "ptr" /* conf */, "buffer" /* errstr */, "usize" /* errstr_size */],
    returns: "ptr",
  },
  rd_kafka_destroy_flags: { args: ["ptr" /* rk */, "i32" /* flags */], returns: "void" },
  rd_kafka_set_log_queue: { args: ["ptr" /* rk */, "ptr" /* rkqu */], returns: "i32" },
  rd_kafka_purge: { args: ["ptr" /* rk */, "i32" /* purge_flags */], returns: "i32" },
  rd_kafka_flush: { args: ["ptr" /* rk */, "i32" /* timeout_ms */], returns: "i32" },
  rd_kafka_test_fatal_error: { args: ["ptr" /* rk */, "i32" /* err */, "buffer" /* reason */], returns: "i32" },

  // Queues
  rd_kafka_queue_new: { args: ["ptr" /* rk */], returns: "ptr" },
  rd_kafka_queue_destroy: { args: ["ptr" /* rkqu */], returns: "void" },
  rd_kafka_queue_get_main: { args: ["ptr" /* rk */], returns: "ptr" },
  rd_kafka_queue_get_consumer: { args: ["ptr" /* rk */], returns: "ptr" },
  rd_kafka_queue_poll: { args: ["ptr" /* rkqu */, "i32" /* timeout_ms */], returns: "ptr" },
  rd_kafka_queue_get_partition: {
    args: ["ptr" /* rk */, "buffer" /* topic */, "i32" /* partition */],
    returns: "ptr",
  },
  rd_kafka_queue_forward: { args: ["ptr" /* src */, "ptr" /* dst */], returns: "void" },
  rd_kafka_queue_io_event_enable: {
    args: ["ptr" /* rkqu */, "i32" /* fd */, "buffer" /* payload */, "usize" /* size */],
    returns: "void",
  },

  // Events
  rd_kafka_event_type: { args: ["ptr" /* rkev */], returns: "i32" },
  rd_kafka_event_destroy: { args: ["ptr" /* rkev */], returns: "void" },
  rd_kafka_event_message_array: {
    args: ["ptr" /* rkev */, "ptr" /* rkmessages */, "usize" /* size */],
    returns: "u32",
  },
  rd_kafka_event_error: { args: ["ptr" /* rkev */], returns: "i32" },
  rd_kafka_event_error_string: { args: ["ptr" /* rkev */], returns: "ptr" },
  rd_kafka_event_error_is_fatal: { args: ["ptr" /* rkev */], returns: "i32" },
  rd_kafka_event_log: {
    args: ["ptr" /* rkev */, "buffer" /* fac */, "buffer" /* str */, "buffer" /* level */],
    returns: "i32",
  },
  rd_kafka_event_opaque: { args: ["ptr" /* rkev */], returns: "ptr" },
  rd_kafka_event_topic_partition_list: { args: ["ptr" /* rkev */], returns: "ptr" },

  // Producing
  rd_kafka_topic_new: { args: ["ptr" /* rk */, "buffer" /* topic */, "ptr" /* conf */], returns: "ptr" },
  rd_kafka_default_topic_conf_dup: { args: ["ptr" /* rk */], returns: "ptr" },
  rd_kafka_topic_conf_set_partitioner_cb: { args: ["ptr" /* topic_conf */, "ptr" /* partitioner */], returns: "void" },
  rd_kafka_topic_conf_set_opaque: { args: ["ptr" /* conf */, "ptr" /* opaque */], returns: "void" },
  rd_kafka_topic_partition_available: { args: ["ptr" /* rkt */, "i32" /* partition */], returns: "i32" },
  rd_kafka_msg_partitioner_murmur2_random: {
    args: [
      "ptr" /* rkt */,
      "ptr" /* key */,
      "usize" /* keylen */,
      "i32" /* partition_cnt */,
      "ptr" /* rkt_opaque */,
      "ptr" /* msg_opaque */,
    ],
    returns: "i32",
  },
  rd_kafka_topic_destroy: { args: ["ptr" /* rkt */], returns: "void" },
  rd_kafka_produceva: { args: ["ptr" /* rk */, "ptr" /* vus */, "usize" /* cnt */], returns: "ptr" },
  rd_kafka_message_status: { args: ["ptr" /* rkmessage */], returns: "i32" },

  // Consuming
  rd_kafka_subscribe: { args: ["ptr" /* rk */, "ptr" /* topics */], returns: "i32" },
  rd_kafka_consume_batch_queue: {
    args: ["ptr" /* rkqu */, "i32" /* timeout_ms */, "ptr" /* rkmessages */, "usize" /* rkmessages_size */],
    returns: FFIType.i64_fast,
  },
  rd_kafka_message_destroy: { args: ["ptr" /* rkmessage */], returns: "void" },
  rd_kafka_message_timestamp: { args: ["ptr" /* rkmessage */, "ptr" /* tstype */], returns: FFIType.i64_fast },
  rd_kafka_message_detach_headers: { args: ["ptr" /* rkmessage */, "ptr" /* hdrsp */], returns: "i32" },
  rd_kafka_headers_destroy: { args: ["ptr" /* hdrs */], returns: "void" },
  rd_kafka_message_headers: { args: ["ptr" /* rkmessage */, "ptr" /* hdrsp */], returns: "i32" },
  rd_kafka_header_get_last: {
    args: ["ptr" /* hdrs */, "ptr" /* name */, "ptr" /* valuep */, "ptr" /* sizep */],
    returns: "i32",
  },
  rd_kafka_header_get_all: {
    args: ["ptr" /* hdrs */, "usize" /* idx */, "ptr" /* namep */, "ptr" /* valuep */, "ptr" /* sizep */],
    returns: "i32",
  },
  rd_kafka_incremental_assign: { args: ["ptr" /* rk */, "ptr" /* partitions */], returns: "ptr" },
  rd_kafka_incremental_unassign: { args: ["ptr" /* rk */, "ptr" /* partitions */], returns: "ptr" },
  rd_kafka_assign: { args: ["ptr" /* rk */, "ptr" /* partitions */], returns: "i32" },
  rd_kafka_assignment_lost: { args: ["ptr" /* rk */], returns: "i32" },
  rd_kafka_rebalance_protocol: { args: ["ptr" /* rk */], returns: "ptr" },
  rd_kafka_pause_partitions: { args: ["ptr" /* rk */, "ptr" /* partitions */], returns: "i32" },
  rd_kafka_resume_partitions: { args: ["ptr" /* rk */, "ptr" /* partitions */], returns: "i32" },
  rd_kafka_committed: { args: ["ptr" /* rk */, "ptr" /* partitions */, "i32" /* timeout_ms */], returns: "i32" },
  rd_kafka_commit_queue: {
    args: ["ptr" /* rk */, "ptr" /* offsets */, "ptr" /* rkqu */, "ptr" /* cb */, "ptr" /* commit_opaque */],
    returns: "i32",
  },
  rd_kafka_consumer_close_queue: { args: ["ptr" /* rk */, "ptr" /* rkqu */], returns: "ptr" },
  rd_kafka_consumer_closed: { args: ["ptr" /* rk */], returns: "i32" },

  // Partition lists
  rd_kafka_topic_partition_list_new: { args: ["i32" /* size */], returns: "ptr" },
  rd_kafka_topic_partition_list_destroy: { args: ["ptr" /* rktparlist */], returns: "void" },
  rd_kafka_topic_partition_list_add: {
    args: ["ptr" /* rktparlist */, "buffer" /* topic */, "i32" /* partition */],
    returns: "ptr",
  },
  rd_kafka_topic_partition_list_set_offset: {
    args: ["ptr" /* rktparlist */, "buffer" /* topic */, "i32" /* partition */, "i64" /* offset */],
    returns: "i32",
  },

  // Admin
  rd_kafka_event_CreateTopics_result: { args: ["ptr" /* rkev */], returns: "ptr" },
  rd_kafka_event_DescribeCluster_result: { args: ["ptr" /* rkev */], returns: "ptr" },
  rd_kafka_event_DescribeTopics_result: { args: ["ptr" /* rkev */], returns: "ptr" },
  rd_kafka_event_ListOffsets_result: { args: ["ptr" /* rkev */], returns: "ptr" },
  rd_kafka_event_ListConsumerGroupOffsets_result: { args: ["ptr" /* rkev */], returns: "ptr" },
  rd_kafka_event_DescribeConfigs_result: { args: ["ptr" /* rkev */], returns: "ptr" },
  rd_kafka_AdminOptions_new: { args: ["ptr" /* rk */, "i32" /* for_api */], returns: "ptr" },
  rd_kafka_AdminOptions_destroy: { args: ["ptr" /* options */], returns: "void" },
  rd_kafka_AdminOptions_set_request_timeout: {
    args: ["ptr" /* options */, "i32" /* timeout_ms */, "buffer" /* errstr */, "usize" /* errstr_size */],
    returns: "i32",
  },
  rd_kafka_AdminOptions_set_broker: {
    args: ["ptr" /* options */, "i32" /* broker_id */, "buffer" /* errstr */, "usize" /* errstr_size */],
    returns: "i32",
  },
  rd_kafka_AdminOptions_set_opaque: { args: ["ptr" /* options */, "ptr" /* ev_opaque */], returns: "void" },
  rd_kafka_NewTopic_new: {
    args: [
      "buffer" /* topic */,
      "i32" /* num_partitions */,
      "i32" /* replication_factor */,
      "buffer" /* errstr */,
      "usize" /* errstr_size */,
    ],
    returns: "ptr",
  },
  rd_kafka_NewTopic_destroy: { args: ["ptr" /* new_topic */], returns: "void" },
  rd_kafka_NewTopic_set_config: {
    args: ["ptr" /* new_topic */, "buffer" /* name */, "buffer" /* value */],
    returns: "i32",
  },
  rd_kafka_CreateTopics: {
    args: [
      "ptr" /* rk */,
      "buffer" /* new_topics */,
      "usize" /* new_topic_cnt */,
      "ptr" /* options */,
      "ptr" /* rkqu */,
    ],
    returns: "void",
  },
  rd_kafka_CreateTopics_result_topics: { args: ["ptr" /* result */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_topic_result_error: { args: ["ptr" /* topicres */], returns: "i32" },
  rd_kafka_topic_result_error_string: { args: ["ptr" /* topicres */], returns: "ptr" },
  rd_kafka_DescribeCluster: { args: ["ptr" /* rk */, "ptr" /* options */, "ptr" /* rkqu */], returns: "void" },
  rd_kafka_DescribeCluster_result_nodes: { args: ["ptr" /* result */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_DescribeCluster_result_cluster_id: { args: ["ptr" /* result */], returns: "ptr" },
  rd_kafka_Node_id: { args: ["ptr" /* node */], returns: "i32" },
  rd_kafka_Node_host: { args: ["ptr" /* node */], returns: "ptr" },
  rd_kafka_Node_port: { args: ["ptr" /* node */], returns: "u16" },
  rd_kafka_TopicCollection_of_topic_names: { args: ["buffer" /* topics */, "usize" /* topics_cnt */], returns: "ptr" },
  rd_kafka_TopicCollection_destroy: { args: ["ptr" /* topics */], returns: "void" },
  rd_kafka_DescribeTopics: {
    args: ["ptr" /* rk */, "ptr" /* topics */, "ptr" /* options */, "ptr" /* rkqu */],
    returns: "void",
  },
  rd_kafka_DescribeTopics_result_topics: { args: ["ptr" /* result */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_TopicDescription_error: { args: ["ptr" /* topicdesc */], returns: "ptr" },
  rd_kafka_TopicDescription_topic_id: { args: ["ptr" /* topicdesc */], returns: "ptr" },
  rd_kafka_Uuid_base64str: { args: ["ptr" /* uuid */], returns: "ptr" },
  rd_kafka_TopicDescription_partitions: { args: ["ptr" /* topicdesc */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_TopicPartitionInfo_partition: { args: ["ptr" /* partition */], returns: "i32" },
  rd_kafka_TopicPartitionInfo_leader: { args: ["ptr" /* partition */], returns: "ptr" },
  rd_kafka_TopicPartitionInfo_isr: { args: ["ptr" /* partition */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_TopicPartitionInfo_replicas: { args: ["ptr" /* partition */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_ConfigResource_new: { args: ["i32" /* restype */, "buffer" /* resname */], returns: "ptr" },
  rd_kafka_ConfigResource_destroy: { args: ["ptr" /* config */], returns: "void" },
  rd_kafka_DescribeConfigs: {
    args: ["ptr" /* rk */, "buffer" /* configs */, "usize" /* config_cnt */, "ptr" /* options */, "ptr" /* rkqu */],
    returns: "void",
  },
  rd_kafka_DescribeConfigs_result_resources: { args: ["ptr" /* result */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_ConfigResource_error: { args: ["ptr" /* config */], returns: "i32" },
  rd_kafka_ConfigResource_error_string: { args: ["ptr" /* config */], returns: "ptr" },
  rd_kafka_ConfigResource_configs: { args: ["ptr" /* config */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_ConfigEntry_name: { args: ["ptr" /* entry */], returns: "ptr" },
  rd_kafka_ConfigEntry_value: { args: ["ptr" /* entry */], returns: "ptr" },
  rd_kafka_ListOffsets: {
    args: ["ptr" /* rk */, "ptr" /* topic_partitions */, "ptr" /* options */, "ptr" /* rkqu */],
    returns: "void",
  },
  rd_kafka_ListOffsets_result_infos: { args: ["ptr" /* result */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_ListOffsetsResultInfo_topic_partition: { args: ["ptr" /* result_info */], returns: "ptr" },
  rd_kafka_ListConsumerGroupOffsets_new: { args: ["buffer" /* group_id */, "ptr" /* partitions */], returns: "ptr" },
  rd_kafka_ListConsumerGroupOffsets_destroy: { args: ["ptr" /* list_grpoffsets */], returns: "void" },
  rd_kafka_ListConsumerGroupOffsets: {
    args: [
      "ptr" /* rk */,
      "buffer" /* list_grpoffsets */,
      "usize" /* list_grpoffsets_cnt */,
      "ptr" /* options */,
      "ptr" /* rkqu */,
    ],
    returns: "void",
  },
  rd_kafka_ListConsumerGroupOffsets_result_groups: { args: ["ptr" /* result */, "buffer" /* cntp */], returns: "ptr" },
  rd_kafka_group_result_error: { args: ["ptr" /* groupres */], returns: "ptr" },
  rd_kafka_group_result_partitions: { args: ["ptr" /* groupres */], returns: "ptr" },
} as const;

/** rdkafka.h, in later versions of the library only: since 2.4.0. */
export const laterSymbols = {
  rd_kafka_message_produce_errstr: { args: ["ptr" /* rkmessage */], returns: "ptr" },
} as const;

/** rdkafka_mock.h: experimental there, so looked up only when a mock cluster is asked for. */
export const mockSymbols = {
  rd_kafka_mock_cluster_new: { args: ["ptr" /* rk */, "i32" /* broker_cnt */], returns: "ptr" },
  rd_kafka_mock_cluster_destroy: { args: ["ptr" /* mcluster */], returns: "void" },
  rd_kafka_mock_cluster_bootstraps: { args: ["ptr" /* mcluster */], returns: "ptr" },
  rd_kafka_mock_topic_create: {
    args: ["ptr" /* mcluster */, "buffer" /* topic */, "i32" /* partition_cnt */, "i32" /* replication_factor */],
    returns: "i32",
  },
  rd_kafka_mock_push_request_errors_array: {
    args: ["ptr" /* mcluster */, "i16" /* ApiKey */, "usize" /* cnt */, "buffer" /* errors */],
    returns: "void",
  },
  rd_kafka_mock_partition_set_leader: {
    args: ["ptr" /* mcluster */, "buffer" /* topic */, "i32" /* partition */, "i32" /* broker_id */],
    returns: "i32",
  },
  rd_kafka_mock_broker_set_down: { args: ["ptr" /* mcluster */, "i32" /* broker_id */], returns: "i32" },
  rd_kafka_mock_broker_set_up: { args: ["ptr" /* mcluster */, "i32" /* broker_id */], returns: "i32" },
  rd_kafka_mock_broker_set_rtt: {
    args: ["ptr" /* mcluster */, "i32" /* broker_id */, "i32" /* rtt_ms */],
    returns: "i32",
  },
} as const;

/** rdkafka_mock.h, in later versions of the library only. */
export const laterMockSymbols = {
  rd_kafka_mock_set_controller_id: { args: ["ptr" /* mcluster */, "i32" /* controller_id */], returns: "void" },
  rd_kafka_mock_group_initial_rebalance_delay_ms: {
    args: ["ptr" /* mcluster */, "i32" /* delay_ms */],
    returns: "void",
  },
} as const;

/** The C library. */
export const libcSymbols = {
  memcpy: { args: ["ptr" /* dest */, "ptr" /* src */, "usize" /* n */], returns: "ptr" },
  socketpair: { args: ["i32" /* domain */, "i32" /* type */, "i32" /* protocol */, "buffer" /* sv */], returns: "i32" },
  close: { args: ["i32" /* fd */], returns: "i32" },
} as const;
